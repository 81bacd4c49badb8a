#include "filter.h"

#include <stdbool.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the operands of both instruction sets are read as little-endian words"
#endif

static uint32_t load(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof word);
	return word;
}

static void store(uint8_t *at, uint32_t word)
{
	memcpy(at, &word, sizeof word);
}

/*
 * x86-64: E8 (call) is followed by a signed 32-bit distance from the next instruction. The byte
 * also occurs inside other instructions. Rewriting those is harmless, but they compress less well
 * afterwards. So only distances of 28 bits count as calls, enough for programs of 128 MiB. They
 * stay 28 bits wide, so that the decoder sees what the encoder saw. E9 (jmp) mostly stays within
 * its function, and compresses better unchanged.
 *
 * Calls can overlap. So the encoder goes backwards and the decoder forwards: each step of one finds
 * exactly the bytes that the same step of the other left.
 */
enum { X86_CALL = 0xe8, X86_CALL_SIZE = 5 };

static uint32_t sign_extend_28(uint32_t word)
{
	return (uint32_t)((int32_t)(word << 4) >> 4);
}

static void x86_shift_distance(uint8_t *call, uint32_t by)
{
	uint32_t distance = load(call + 1);

	if (distance == sign_extend_28(distance))
		store(call + 1, sign_extend_28(distance + by));
}

static void x86_encode(uint8_t *bytes, size_t size, uint32_t position)
{
	for (size_t next = size; next >= X86_CALL_SIZE; next--) {
		uint8_t *call = bytes + next - X86_CALL_SIZE;

		if (*call == X86_CALL)
			x86_shift_distance(call, position + (uint32_t)next);
	}
}

/*
 * The first call in [from, end), or `end`. Looks at eight bytes at once, which makes decoding
 * twice as fast: https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
 */
static uint8_t *x86_find_call(uint8_t *from, uint8_t *end)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t word;

	for (; end - from >= (ptrdiff_t)sizeof word; from += sizeof word) {
		memcpy(&word, from, sizeof word);
		word ^= X86_CALL * ones; /* a call is a zero byte now */
		word = (word - ones) & ~word & 0x80 * ones;
		if (word != 0)
			return from + __builtin_ctzll(word) / 8;
	}
	while (from < end && *from != X86_CALL)
		from++;
	return from;
}

static void x86_decode(uint8_t *bytes, size_t size, uint32_t position)
{
	uint8_t *end = size < X86_CALL_SIZE ? bytes : bytes + size - (X86_CALL_SIZE - 1);

	for (uint8_t *call = bytes; (call = x86_find_call(call, end)) < end; call++)
		x86_shift_distance(call, -(position + (uint32_t)(call - bytes) + X86_CALL_SIZE));
}

/*
 * AArch64: BL is a word of six opcode bits and a signed distance of 26 bits, counted in words.
 */
enum { ARM_WORD_SIZE = 4 };

static bool arm_is_call(uint32_t word)
{
	return word >> 26 == 0x25;
}

static uint32_t arm_shift_distance(uint32_t word, uint32_t by)
{
	uint32_t distance_bits = 0x03ffffff;

	return (word & ~distance_bits) | ((word + by) & distance_bits);
}

static void arm_shift_calls(uint8_t *bytes, size_t size, uint32_t position, uint32_t sign)
{
	for (size_t i = 0; i + ARM_WORD_SIZE <= size; i += ARM_WORD_SIZE) {
		uint32_t word = load(bytes + i);

		if (arm_is_call(word))
			store(bytes + i, arm_shift_distance(word, sign * ((position + (uint32_t)i) / ARM_WORD_SIZE)));
	}
}

void filter_encode(enum filter filter, uint8_t *bytes, size_t size, uint64_t position)
{
	if (filter == FILTER_X86_64)
		x86_encode(bytes, size, (uint32_t)position);
	if (filter == FILTER_AARCH64)
		arm_shift_calls(bytes, size, (uint32_t)position, 1);
}

void filter_decode(enum filter filter, uint8_t *bytes, size_t size, uint64_t position)
{
	if (filter == FILTER_X86_64)
		x86_decode(bytes, size, (uint32_t)position);
	if (filter == FILTER_AARCH64)
		arm_shift_calls(bytes, size, (uint32_t)position, (uint32_t)-1);
}
