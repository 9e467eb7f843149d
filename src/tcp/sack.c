/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SACK option as the sender reads it: RFC 2018 4, RFC 2883 4. Pure; called by recovery.c for
 * each acceptable ACK with blocks. The receiver's side is in sack_rcv.c.
 */
#include "tcp/sack.h"

#include "base/seq.h"

static bool is_sane(struct tcp_range r, uint32_t una, uint32_t nxt)
{
	return seq_lt(r.seq, r.end) && seq_geq(r.seq, una) && seq_leq(r.end, nxt);
}

/* RFC 2883 4: the first block lies below the cumulative ACK, or inside the second block. */
static bool is_dsack(const struct tcp_range *blocks, unsigned n, uint32_t una, uint32_t nxt,
		     uint32_t back)
{
	struct tcp_range d = blocks[0];

	if (!seq_lt(d.seq, d.end))
		return false;
	if (seq_leq(d.end, una))
		return una - d.seq <= back;
	return n > 1 && is_sane(blocks[1], una, nxt) && seq_geq(d.seq, blocks[1].seq) &&
	       seq_leq(d.end, blocks[1].end);
}

/* RACK's view of reordering needs the blocks of one segment from low to high (RFC 8985 6.2). */
static void insert_sorted(struct sack_news *news, struct tcp_range r)
{
	unsigned i = news->n++;

	for (; i > 0 && seq_lt(r.seq, news->block[i - 1].seq); i--)
		news->block[i] = news->block[i - 1];
	news->block[i] = r;
}

struct sack_news sack_read(const struct tcp_range *blocks, unsigned n_blocks, uint32_t una,
			   uint32_t nxt, uint32_t back)
{
	struct sack_news news = {.n = 0};

	for (unsigned i = 0; i < n_blocks; i++) {
		if (i == 0 && is_dsack(blocks, n_blocks, una, nxt, back)) {
			news.dsack = true;
			news.dup = blocks[0];
		} else if (is_sane(blocks[i], una, nxt)) {
			insert_sorted(&news, blocks[i]);
		}
	}
	return news;
}
