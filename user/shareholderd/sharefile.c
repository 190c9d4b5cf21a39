// SPDX-License-Identifier: GPL-2.0
#include "sharefile.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

static const char sharefile_magic[8] = "SSNSHARE";

struct sharefile_head {
	char magic[8];
	uint32_t version;		/* big endian, like all that follows */
	uint32_t head;			/* the share begins here */
	uint64_t length;
	uint32_t json;
	uint32_t zero;
	uint8_t salt[VERIFICATION_SALT];
	uint8_t digest[VERIFICATION_DIGEST];
} __attribute__((packed));

_Static_assert(sizeof(struct sharefile_head) == SHAREFILE_HEAD, "file format");

uint32_t sharefile_messages(uint64_t length)
{
	return (length + SHAREFILE_MESSAGE - 1) / SHAREFILE_MESSAGE;
}

size_t sharefile_message_len(uint64_t length, uint32_t i)
{
	uint64_t begin = (uint64_t)i * SHAREFILE_MESSAGE;

	if (begin >= length)
		return 0;
	return length - begin < SHAREFILE_MESSAGE ? length - begin :
						    SHAREFILE_MESSAGE;
}

void sharefile_name(uint32_t segment, uint64_t deal, char name[SHAREFILE_NAME])
{
	snprintf(name, SHAREFILE_NAME, "%" PRIu32 ".%" PRIu64 ".share", segment,
		 deal);
}

int sharefile_parse_name(const char *name, uint32_t *segment, uint64_t *deal)
{
	char again[SHAREFILE_NAME], *end;
	unsigned long long s, d;

	s = strtoull(name, &end, 10);
	if (*end != '.' || s > UINT32_MAX)
		return -EINVAL;
	d = strtoull(end + 1, &end, 10);
	sharefile_name(s, d, again);
	if (strcmp(again, name))
		return -EINVAL;
	*segment = s;
	*deal = d;
	return 0;
}

/* Head and record as they will stand in the file, but for the digest: zero. */
static int sharefile_encode(const struct record *rec, uint64_t length,
			    uint8_t **out, uint32_t *len)
{
	struct sharefile_head head = { .version = htobe32(SHAREFILE_VERSION),
				       .length = htobe64(length) };
	json_t *obj = record_encode(rec, RECORD_SHARE);
	size_t json, total;
	uint8_t *buf;
	char *text;
	int ret;

	text = obj ? json_dumps(obj, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(obj);
	if (!text)
		return -ENOMEM;
	json = strlen(text);
	total = (sizeof(head) + json + 7) & ~7UL;
	ret = json > SHAREFILE_JSON_MAX ? -EINVAL :
	      random_fill(head.salt, sizeof(head.salt));
	buf = ret ? NULL : calloc(1, total);
	if (buf) {
		memcpy(head.magic, sharefile_magic, sizeof(head.magic));
		head.head = htobe32(total);
		head.json = htobe32(json);
		memcpy(buf, &head, sizeof(head));
		memcpy(buf + sizeof(head), text, json);
		*out = buf;
		*len = total;
	} else if (!ret) {
		ret = -ENOMEM;
	}
	free(text);
	return ret;
}

int sharefile_create(struct sharefile_writer *w, int dirfd,
		     const struct record *rec, uint64_t length)
{
	char name[SHAREFILE_NAME];
	uint32_t len;
	uint8_t *head;
	int ret;

	memset(w, 0, sizeof(*w));
	w->file.fd = -1;
	if (!length || length > SHAREFILE_MAX)
		return -EINVAL;
	ret = sharefile_encode(rec, length, &head, &len);
	if (ret)
		return ret;
	sharefile_name(rec->id.segment, rec->id.deal, name);
	ret = durable_open(&w->file, dirfd, name);
	if (ret)
		goto out;
	w->length = length;
	w->total = len + length;
	if (fallocate(w->file.fd, 0, 0, w->total) &&
	    errno != EOPNOTSUPP && errno != ENOSYS)
		ret = -errno;
	if (!ret)
		ret = verification_begin(&w->sum,
			((struct sharefile_head *)head)->salt);
	if (!ret)
		ret = verification_add(&w->sum, head, len) ?:
		      durable_append(&w->file, head, len);
	if (ret)
		sharefile_abandon(w);
out:
	free(head);
	return ret;
}

int sharefile_append(struct sharefile_writer *w, const void *data, size_t len)
{
	int ret;

	if (len > w->length - w->written)
		return -EINVAL;
	ret = verification_add(&w->sum, data, len) ?:
	      durable_append(&w->file, data, len);
	if (ret)
		return ret;
	w->written += len;
	/* begin to write now, so that the fsync at the end is short */
	sync_file_range(w->file.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

int sharefile_commit(struct sharefile_writer *w)
{
	uint8_t digest[VERIFICATION_DIGEST];
	ssize_t put;
	int ret;

	ret = w->written == w->length ? 0 : -EINVAL;
	if (!ret)
		ret = verification_end(&w->sum, digest);
	if (!ret) {
		put = pwrite(w->file.fd, digest, sizeof(digest),
			     offsetof(struct sharefile_head, digest));
		if (put != sizeof(digest))
			ret = put < 0 ? -errno : -EIO;
	}
	if (!ret)
		return durable_commit(&w->file);
	sharefile_abandon(w);
	return ret;
}

void sharefile_abandon(struct sharefile_writer *w)
{
	verification_drop(&w->sum);
	durable_abandon(&w->file);
}

static int sharefile_check(const struct sharefile_head *head, uint64_t size,
			   const char *name, struct err *err)
{
	uint64_t begin = be32toh(head->head), json = be32toh(head->json);
	uint64_t length = be64toh(head->length);
	const char *what = NULL;

	if (memcmp(head->magic, sharefile_magic, sizeof(head->magic)))
		what = "not a share file";
	else if (be32toh(head->version) != SHAREFILE_VERSION)
		what = "a format version that this program does not know";
	else if (head->zero || json > SHAREFILE_JSON_MAX ||
		 begin != ((sizeof(*head) + json + 7) & ~7ULL))
		what = "lengths in the head contradict each other";
	else if (!length || length > SHAREFILE_MAX)
		what = "share length out of range";
	else if (size != begin + length)
		what = size < begin + length ? "cut short" :
					       "longer than its head says";
	return what ? err_set(err, -EBADMSG, "%s: %s", name, what) : 0;
}

/* Record of @json bytes at @text; the file's name must say the same. */
static int sharefile_record(struct sharefile *f, const char *name,
			    const char *text, size_t json, struct err *err)
{
	uint32_t segment;
	uint64_t deal;
	json_t *obj;
	int ret;

	obj = json_loadb(text, json, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(obj)) {
		json_decref(obj);
		return err_set(err, -EBADMSG, "%s: the record is not JSON", name);
	}
	ret = record_decode(obj, name, RECORD_SHARE, &f->rec, err);
	json_decref(obj);
	if (ret)
		return ret == -EINVAL ? -EBADMSG : ret;
	if (sharefile_parse_name(name, &segment, &deal) ||
	    segment != f->rec.id.segment || deal != f->rec.id.deal)
		return err_set(err, -EBADMSG, "%s: has another share's name",
			       name);
	return 0;
}

static int sharefile_load(struct sharefile *f, const char *name,
			  struct err *err)
{
	struct sharefile_head head;
	uint8_t *buf;
	struct stat st;
	int ret;

	if (fstat(f->fd, &st))
		return err_set(err, -errno, "%s: %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(head))
		return err_set(err, -EBADMSG, "%s: cut short", name);
	ret = pread_full(f->fd, &head, sizeof(head), 0);
	if (ret)
		return err_set(err, ret, "%s: %s", name, strerror(-ret));
	ret = sharefile_check(&head, st.st_size, name, err);
	if (ret)
		return ret;
	f->start = be32toh(head.head);
	f->length = be64toh(head.length);
	memcpy(f->digest, head.digest, sizeof(f->digest));

	buf = malloc(f->start);
	if (!buf)
		return err_set(err, -ENOMEM, "out of memory");
	ret = pread_full(f->fd, buf, f->start, 0);
	if (ret) {
		err_set(err, ret, "%s: %s", name, strerror(-ret));
		goto out;
	}
	memset(buf + offsetof(struct sharefile_head, digest), 0,
	       sizeof(head.digest));
	ret = sharefile_record(f, name, (char *)buf + sizeof(head),
			       be32toh(head.json), err);
	if (!ret)
		ret = verification_begin(&f->sum, head.salt);
	if (!ret)
		ret = verification_add(&f->sum, buf, f->start);
out:
	free(buf);
	return ret;
}

int sharefile_open(struct sharefile *f, int dirfd, const char *name,
		   struct err *err)
{
	int ret;

	memset(f, 0, sizeof(*f));
	f->fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
		       O_NONBLOCK);
	if (f->fd < 0)
		return err_set(err, -errno, "%s: %s", name, strerror(errno));
	ret = sharefile_load(f, name, err);
	if (ret)
		sharefile_close(f);
	return ret;
}

int sharefile_verify(struct sharefile *f, uint64_t max, struct err *err)
{
	uint8_t digest[VERIFICATION_DIGEST], buf[65536];
	int ret;

	if (!f->sum.ctx)
		return f->good ? 0 : -EBADMSG;
	while (f->checked < f->length) {
		uint64_t len = f->length - f->checked;

		if (!max)
			return 1;
		if (len > sizeof(buf))
			len = sizeof(buf);
		if (len > max)
			len = max;
		ret = pread_full(f->fd, buf, len, f->start + f->checked) ?:
		      verification_add(&f->sum, buf, len);
		explicit_bzero(buf, len);
		if (ret)
			return err_set(err, ret, "segment %u: %s",
				       f->rec.id.segment, strerror(-ret));
		f->checked += len;
		max -= len;
	}
	ret = verification_end(&f->sum, digest);
	if (ret)
		return err_set(err, ret, "out of memory");
	f->good = !memcmp(digest, f->digest, sizeof(digest));
	if (!f->good)
		return err_set(err, -EBADMSG,
			       "segment %u: the share changed on this disk since it was written",
			       f->rec.id.segment);
	return 0;
}

ssize_t sharefile_read(struct sharefile *f, uint32_t i, void *buf)
{
	size_t len = sharefile_message_len(f->length, i);
	int ret;

	if (!f->good)
		return -EBADMSG;
	if (!len)
		return -EINVAL;
	ret = pread_full(f->fd, buf, len,
			 f->start + (uint64_t)i * SHAREFILE_MESSAGE);
	return ret ?: (ssize_t)len;
}

void sharefile_close(struct sharefile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	verification_drop(&f->sum);
	record_free(&f->rec);
}
