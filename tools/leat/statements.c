/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing LEAT_PRELOAD; see statements.h. */
#include "statements.h"

#include <stdlib.h>
#include <string.h>

int statements_init(struct statements *s)
{
	*s = (struct statements){0};
	s->out = open_memstream(&s->text, &s->len);
	return s->out ? 0 : -1;
}

void statements_add(struct statements *s, const char *word, ...)
{
	va_list ap;

	va_start(ap, word);
	for (const char *w = word; w; w = va_arg(ap, const char *)) {
		if (w[0] == '\0' || strpbrk(w, "; \t\n"))
			s->bad = s->bad ? s->bad : w;
		fprintf(s->out, "%s%s", w == word ? "" : " ", w);
	}
	va_end(ap);
	fputc(';', s->out);
}

const char *statements_text(struct statements *s)
{
	return fflush(s->out) == 0 ? s->text : NULL;
}

void statements_fini(struct statements *s)
{
	(void)fclose(s->out);
	free(s->text);
}
