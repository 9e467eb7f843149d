/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sender's scoreboard of selective acknowledgements: RFC 2018, RFC 2883, RFC 6675. Pure: called
 * by TCP's ACK processing and its recovery; memory comes as an argument. The receiver's side is in
 * sack_rcv.c.
 *
 * Ranges are kept sorted in an array of at most SACK_BOARD_MAX; an ACK carries at most four, so an
 * ACK costs four binary searches and at most four moves of the array.
 */
#include "tcp/sack.h"

#include "base/seq.h"

#include <string.h>

#define CAP_FIRST 8u

void sack_board_init(struct sack_board *b, uint32_t una)
{
	*b = (struct sack_board){.lost_edge = una, .high_rxt = una};
}

void sack_board_clear(struct sack_board *b, const struct mem *mem, uint32_t una)
{
	mem_free(mem, b->ranges, b->cap * sizeof(*b->ranges));
	sack_board_init(b, una);
}

/* Index of the first range whose end lies above seq. */
static unsigned find(const struct sack_board *b, uint32_t seq)
{
	unsigned lo = 0, hi = b->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (seq_gt(b->ranges[mid].end, seq))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static bool grow(struct sack_board *b, const struct mem *mem)
{
	unsigned cap = b->cap ? b->cap * 2u : CAP_FIRST;
	struct tcp_range *p;

	if (b->n < b->cap)
		return true;
	if (cap > SACK_BOARD_MAX)
		return false;
	p = mem_alloc(mem, cap * sizeof(*p));
	if (!p)
		return false;
	if (b->n > 0)
		memcpy(p, b->ranges, b->n * sizeof(*p));
	mem_free(mem, b->ranges, b->cap * sizeof(*p));
	b->ranges = p;
	b->cap = (uint16_t)cap;
	return true;
}

/* Replace ranges [i, j) by r. */
static void replace(struct sack_board *b, unsigned i, unsigned j, struct tcp_range r)
{
	memmove(&b->ranges[i + 1], &b->ranges[j], (b->n - j) * sizeof(r));
	b->ranges[i] = r;
	b->n = (uint16_t)(b->n + 1u - (j - i));
}

/* Merge a block in. Returns how many bytes were new. */
static uint32_t insert(struct sack_board *b, const struct mem *mem, struct tcp_range r)
{
	unsigned i = find(b, r.seq - 1); /* a range that ends at r.seq is extended */
	unsigned j = i;
	uint32_t had = 0, newly;

	while (j < b->n && seq_leq(b->ranges[j].seq, r.end)) {
		r.seq = seq_min(r.seq, b->ranges[j].seq);
		r.end = seq_max(r.end, b->ranges[j].end);
		had += tcp_range_len(b->ranges[j]);
		j++;
	}
	newly = tcp_range_len(r) - had;
	if (newly == 0 || (i == j && !grow(b, mem)))
		return 0;
	replace(b, i, j, r);
	b->sacked_bytes += newly;
	return newly;
}

/* RFC 2883 4: the first block lies below the cumulative ACK, or inside the second block. */
static bool is_dsack(uint32_t una, const struct tcp_range *blocks, unsigned n)
{
	struct tcp_range d = blocks[0];

	if (!seq_lt(d.seq, d.end))
		return false;
	if (seq_leq(d.end, una))
		return true;
	return n > 1 && seq_geq(d.seq, blocks[1].seq) && seq_leq(d.end, blocks[1].end);
}

static bool is_sane(struct tcp_range r, uint32_t una, uint32_t nxt)
{
	return seq_lt(r.seq, r.end) && seq_geq(r.seq, una) && seq_leq(r.end, nxt);
}

/* RFC 6675 4, IsLost(): below the highest edge that has DupThresh ranges, or more than DupThresh -
 * 1 segments' worth of SACKed bytes, above it. */
static void update_lost_edge(struct sack_board *b, uint32_t mss)
{
	uint64_t bytes = 0;

	for (unsigned above = 1; above <= b->n; above++) {
		struct tcp_range r = b->ranges[b->n - above];

		bytes += tcp_range_len(r);
		if (above >= SACK_DUP_THRESH || bytes > (uint64_t)(SACK_DUP_THRESH - 1) * mss) {
			b->lost_edge = seq_max(b->lost_edge, r.seq);
			return;
		}
	}
}

struct sack_news sack_board_update(struct sack_board *b, const struct mem *mem, uint32_t una,
				   uint32_t nxt, uint32_t mss, const struct tcp_range *blocks,
				   unsigned n_blocks)
{
	struct sack_news news = {0};

	for (unsigned i = 0; i < n_blocks; i++) {
		uint32_t newly;

		if (i == 0 && is_dsack(una, blocks, n_blocks)) {
			news.dsack = true;
			news.dup = blocks[0];
			continue;
		}
		if (!is_sane(blocks[i], una, nxt))
			continue;
		newly = insert(b, mem, blocks[i]);
		if (newly > 0 && (news.newly_bytes == 0 || seq_gt(blocks[i].end, news.high)))
			news.high = blocks[i].end;
		news.newly_bytes += newly;
	}
	if (news.newly_bytes > 0)
		update_lost_edge(b, mss);
	return news;
}

void sack_board_ack(struct sack_board *b, uint32_t una)
{
	unsigned gone = find(b, una);

	for (unsigned i = 0; i < gone; i++)
		b->sacked_bytes -= tcp_range_len(b->ranges[i]);
	if (gone > 0) {
		b->n = (uint16_t)(b->n - gone);
		memmove(b->ranges, b->ranges + gone, b->n * sizeof(*b->ranges));
	}
	if (b->n > 0 && seq_lt(b->ranges[0].seq, una)) {
		b->sacked_bytes -= una - b->ranges[0].seq;
		b->ranges[0].seq = una;
	}
	b->lost_edge = seq_max(b->lost_edge, una);
	b->high_rxt = seq_max(b->high_rxt, una);
}

bool sack_is_sacked(const struct sack_board *b, uint32_t seq)
{
	unsigned i = find(b, seq);

	return i < b->n && seq_leq(b->ranges[i].seq, seq);
}

bool sack_is_lost(const struct sack_board *b, uint32_t seq)
{
	return seq_lt(seq, b->lost_edge) && !sack_is_sacked(b, seq);
}

/* Bytes of [lo, hi) that are not SACKed. */
static uint32_t unsacked(const struct sack_board *b, uint32_t lo, uint32_t hi)
{
	uint32_t sum;

	if (!seq_lt(lo, hi))
		return 0;
	sum = hi - lo;
	for (unsigned i = find(b, lo); i < b->n && seq_lt(b->ranges[i].seq, hi); i++)
		sum -= seq_min(b->ranges[i].end, hi) - seq_max(b->ranges[i].seq, lo);
	return sum;
}

/* RFC 6675 4, SetPipe(): what is not lost, and what was sent again. */
uint32_t sack_pipe(const struct sack_board *b, uint32_t una, uint32_t nxt)
{
	return unsacked(b, seq_max(una, b->lost_edge), nxt) + unsacked(b, una, b->high_rxt);
}

static uint32_t highest_sacked(const struct sack_board *b, uint32_t una)
{
	return b->n > 0 ? b->ranges[b->n - 1].end : una;
}

/* The first un-SACKed piece in [lo, hi), at most max_bytes. */
static bool first_hole(const struct sack_board *b, uint32_t lo, uint32_t hi, uint32_t max_bytes,
		       struct tcp_range *out)
{
	for (unsigned i = find(b, lo); i < b->n && seq_leq(b->ranges[i].seq, lo); i++)
		lo = b->ranges[i].end;
	if (!seq_lt(lo, hi))
		return false;
	*out = (struct tcp_range){lo, seq_min(hi, lo + min_u32(max_bytes, hi - lo))};
	for (unsigned i = find(b, lo); i < b->n && seq_lt(b->ranges[i].seq, out->end); i++)
		out->end = b->ranges[i].seq;
	return true;
}

/* Rule 4: up to one segment that includes the highest un-SACKed byte below high. */
static bool rescue(const struct sack_board *b, uint32_t una, uint32_t high, uint32_t mss,
		   struct tcp_range *out)
{
	uint32_t end = high, floor = una;

	for (unsigned i = b->n; i > 0 && seq_geq(b->ranges[i - 1].end, end); i--)
		end = seq_min(end, b->ranges[i - 1].seq);
	if (b->rescue_done || !seq_lt(una, end))
		return false;
	for (unsigned i = 0; i < b->n && seq_leq(b->ranges[i].end, end); i++)
		floor = b->ranges[i].end;
	out->end = end;
	out->seq = end - min_u32(mss, end - floor);
	return true;
}

bool sack_next_seg(const struct sack_board *b, uint32_t una, uint32_t high, uint32_t mss,
		   uint32_t max_bytes, bool lost_only, struct tcp_range *out)
{
	uint32_t from = seq_max(una, b->high_rxt);

	if (max_bytes == 0)
		return false;
	if (first_hole(b, from, seq_min(b->lost_edge, high), max_bytes, out))
		return true;
	if (lost_only)
		return false;
	if (first_hole(b, from, seq_min(highest_sacked(b, una), high), max_bytes, out))
		return true;
	return rescue(b, una, high, min_u32(mss, max_bytes), out);
}

void sack_on_rexmit(struct sack_board *b, struct tcp_range r)
{
	bool known_hole =
		seq_lt(r.seq, b->lost_edge) || (b->n > 0 && seq_lt(r.seq, b->ranges[b->n - 1].end));

	/* RFC 6675 4 rule 4: the rescue must not move HighRxt. */
	if (known_hole && seq_geq(r.seq, b->high_rxt)) {
		b->high_rxt = seq_max(b->high_rxt, r.end);
	} else {
		b->rescue_done = true;
		b->rescue_rxt = r.end;
	}
}

void sack_recovery_start(struct sack_board *b, uint32_t una)
{
	b->high_rxt = una;
	b->rescue_done = false;
}

void sack_board_lose_to(struct sack_board *b, uint32_t edge)
{
	b->lost_edge = seq_max(b->lost_edge, edge);
}

void sack_board_unlose(struct sack_board *b, uint32_t una)
{
	b->lost_edge = una;
	b->high_rxt = una;
	b->rescue_done = false;
}

bool sack_reneged(const struct sack_board *b, uint32_t una)
{
	return b->n > 0 && seq_leq(b->ranges[0].seq, una);
}
