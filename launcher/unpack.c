#include "unpack.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <zstd.h>

#include "parallel.h"

/* A huge page: they are given back as a whole. */
enum { PIECE_SIZE = 2 << 20 };

struct unpacking {
	const struct payload_header *header;
	int file;
	atomic_int error;
};

/*
 * The whole frame in one call: libzstd then keeps no window beside what it has decompressed, and
 * verifies the checksum piece by piece, still in the cache.
 */
static int decompress(uint8_t *to, size_t size, const uint8_t *from, size_t packed_size)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();

	if (context == NULL)
		return ENOMEM;
	size_t written = ZSTD_decompressDCtx(context, to, size, from, packed_size);
	ZSTD_freeDCtx(context);
	return written == size ? 0 : EBADMSG;
}

static int write_all(int file, const uint8_t *bytes, size_t size, off_t offset)
{
	while (size > 0) {
		ssize_t written = pwrite(file, bytes, size, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return errno;
		bytes += written;
		size -= (size_t)written;
		offset += written;
	}
	return 0;
}

/* Gives back what is written piece by piece, so that nothing is in memory twice. */
static int move_to_file(int file, uint8_t *bytes, size_t size, off_t offset)
{
	int error = 0;

	for (size_t done = 0; done < size && error == 0; done += PIECE_SIZE) {
		size_t piece = size - done < PIECE_SIZE ? size - done : PIECE_SIZE;

		error = write_all(file, bytes + done, piece, offset + (off_t)done);
		madvise(bytes + done, piece, MADV_DONTNEED);
	}
	return error;
}

static int unpack_block_by(uint8_t *buffer, const struct unpacking *unpacking,
			   const struct payload_block *block)
{
	const struct payload_header *header = unpacking->header;
	const uint8_t *packed = (const uint8_t *)(header + 1);
	uint64_t start = 0;

	for (const struct payload_block *before = header->blocks; before < block; before++) {
		packed += before->packed_size;
		start += before->size;
	}

	int error = decompress(buffer, block->size, packed, block->packed_size);

	if (error != 0)
		return error;
	filter_decode((enum filter)header->filter, buffer + block->code_start, block->code_size,
		      start + block->code_start);
	return move_to_file(unpacking->file, buffer, block->size, (off_t)start);
}

/*
 * By way of a buffer of its own: the kernel fills one with huge pages, which a file in memory is
 * rarely given, and writing whole pages is cheaper than faulting them in one by one.
 */
static int unpack_block(const struct unpacking *unpacking, const struct payload_block *block)
{
	void *buffer = mmap(NULL, block->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (buffer == MAP_FAILED)
		return errno;
	madvise(buffer, block->size, MADV_HUGEPAGE);

	int error = unpack_block_by(buffer, unpacking, block);

	munmap(buffer, block->size);
	return error;
}

static void unpack_job(void *argument, size_t index)
{
	struct unpacking *unpacking = argument;
	int error = unpack_block(unpacking, &unpacking->header->blocks[index]);

	if (error != 0)
		unpacking->error = error;
}

int unpack(const struct payload_header *header, int file)
{
	struct unpacking unpacking = { .header = header, .file = file };

	parallel_for(header->block_count, unpack_job, &unpacking);
	return unpacking.error;
}
