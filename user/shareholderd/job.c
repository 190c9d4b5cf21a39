// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs: pending/<job> until the commit, which is one rename. jobs/<job> names
 * the folder that a committed job went to; it is written before the rename, so
 * that a commit repeated after a crash finds it, and is of no other use.
 */
#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"
#include "folder.h"
#include "log.h"

#define JOB_RECORD	"object.json"
#define JOB_READY	"prepared"
#define JOB_PLACE	(UUID_TEXT + STORAGE_VERSION_NAME)

static void job_place(const struct record *rec, char object[UUID_TEXT],
		      char version[STORAGE_VERSION_NAME])
{
	uuid_format(rec->id.object, object);
	storage_version_name(rec->id.version, rec->id.epoch, version);
}

/* --- loading */

static int job_read_record(int dirfd, struct record *rec, struct err *err)
{
	int fd, ret;
	json_t *obj;

	fd = openat(dirfd, JOB_RECORD, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, JOB_RECORD ": %s", strerror(errno));
	obj = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
	close(fd);
	if (!json_is_object(obj)) {
		json_decref(obj);
		return err_set(err, -EBADMSG, JOB_RECORD ": not a JSON object");
	}
	ret = record_decode(obj, JOB_RECORD, RECORD_JOB, rec, err);
	json_decref(obj);
	return ret == -EINVAL ? -EBADMSG : ret;
}

/* Folder of the committed job @text, or -ENOENT. */
static int job_find_committed(struct storage *st, const char *text)
{
	char place[JOB_PLACE] = "", *slash;
	int fd, dir, ret;
	ssize_t len;

	fd = openat(st->names, text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, place, sizeof(place) - 1);
	close(fd);
	slash = len > 0 ? strchr(place, '/') : NULL;
	if (!slash)
		return -ENOENT;
	*slash = 0;
	dir = folder_open(st->objects, place);
	if (dir < 0)
		return dir;
	ret = folder_open(dir, slash + 1);
	close(dir);
	return ret;
}

/* object.json, or what the shares themselves say (then without the nonce). */
static int job_load_record(struct job *job, struct err *err)
{
	int ret = job_read_record(job->dirfd, &job->rec, err);

	if (ret && ret != -ENOMEM &&
	    !storage_folder_record(job->dirfd, &job->rec, NULL))
		ret = 0;
	if (!ret && memcmp(job->rec.job, job->id, sizeof(job->id))) {
		record_free(&job->rec);
		ret = -ENOENT;
	}
	return ret;
}

static int job_load(struct storage *st, struct job *job, struct err *err)
{
	char text[UUID_TEXT];
	int ret;

	uuid_format(job->id, text);
	job->dirfd = folder_open(st->pending, text);
	if (job->dirfd >= 0) {
		ret = folder_exists(job->dirfd, JOB_READY);
		job->state = ret > 0 ? JOB_PREPARED : JOB_PENDING;
	} else if (job->dirfd == -ENOENT) {
		job->dirfd = job_find_committed(st, text);
		job->state = JOB_COMMITTED;
	}
	if (job->dirfd < 0)
		return err_set(err, job->dirfd, "job %s: %s", text,
			       job->dirfd == -ENOENT ?
			       "not begun here, or aborted" :
			       strerror(-job->dirfd));
	ret = job_load_record(job, err);
	if (ret) {
		close(job->dirfd);
		return err_set(err, ret, "job %s: %s", text,
			       ret == -ENOENT ? "not begun here, or aborted" :
						err->text);
	}
	return 0;
}

int job_get(struct storage *st, const uint8_t id[16], struct job **out,
	    struct err *err)
{
	struct job *job;
	int ret;

	for (job = st->jobs; job; job = job->next)
		if (!memcmp(job->id, id, sizeof(job->id)) &&
		    job->state != JOB_GONE)
			goto found;
	job = calloc(1, sizeof(*job));
	if (!job)
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(job->id, id, sizeof(job->id));
	ret = job_load(st, job, err);
	if (ret) {
		free(job);
		return ret;
	}
	job->next = st->jobs;
	st->jobs = job;
found:
	job->refs++;
	*out = job;
	return 0;
}

void job_put(struct storage *st, struct job *job)
{
	struct job **link;

	if (--job->refs)
		return;
	for (link = &st->jobs; *link != job; link = &(*link)->next)
		;
	*link = job->next;
	close(job->dirfd);
	record_free(&job->rec);
	free(job);
}

/* --- begin */

/* Does another job hold the version that @rec is going to be? */
static int job_version_taken(struct storage *st, const struct record *rec)
{
	char object[UUID_TEXT], version[STORAGE_VERSION_NAME];
	int fd, ret;

	job_place(rec, object, version);
	fd = folder_open(st->objects, object);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	ret = folder_exists(fd, version);
	close(fd);
	return ret;
}

static int job_write_record(int dirfd, const struct record *rec)
{
	json_t *obj = record_encode(rec, RECORD_JOB);
	char *text = obj ? json_dumps(obj, JSON_INDENT(1)) : NULL;
	int ret = -ENOMEM;

	if (text)
		ret = durable_write(dirfd, JOB_RECORD, text, strlen(text));
	free(text);
	json_decref(obj);
	return ret;
}

static int job_make(struct storage *st, const struct record *rec,
		    struct err *err)
{
	char text[UUID_TEXT];
	int fd, fresh, ret;

	uuid_format(rec->job, text);
	/* it may be there, when a crash came before its record was written */
	fresh = !folder_exists(st->pending, text);
	if (fresh && st->pending_count >= STORAGE_PENDING_MAX)
		return err_set(err, -EDQUOT,
			       "%u jobs are pending here: commit or abort some",
			       st->pending_count);
	ret = durable_mkdir(st->pending, text);
	if (!ret) {
		fd = ret = folder_open(st->pending, text);
		if (fd >= 0) {
			ret = job_write_record(fd, rec);
			close(fd);
		}
		if (ret && fresh)
			unlinkat(st->pending, text, AT_REMOVEDIR);
	}
	if (ret)
		return err_set(err, ret, "job %s: %s", text, strerror(-ret));
	st->pending_count += fresh;
	return 0;
}

int job_begin(struct storage *st, const struct record *rec, struct job **job,
	      struct err *err)
{
	int ret;

	ret = job_get(st, rec->job, job, err);
	if (!ret) {
		if (record_same_job(&(*job)->rec, rec))
			return 0;
		job_put(st, *job);
		return err_set(err, -EEXIST,
			       "this job was begun with other parameters");
	}
	if (ret != -ENOENT && ret != -EBADMSG)
		return ret;
	ret = job_version_taken(st, rec);
	if (ret)
		return err_set(err, ret > 0 ? -EEXIST : ret,
			       "version %" PRIu32 " of the object %s",
			       rec->id.version, ret > 0 ?
			       "is here already, by another job" :
			       strerror(-ret));
	return job_make(st, rec, err) ?: job_get(st, rec->job, job, err);
}

/* --- shares */

struct job_find {
	uint32_t segment;
	uint64_t keep;		/* job_drop_others() */
	uint64_t deal;		/* job_segment() */
	struct storage *st;
	int dropped;
};

static int job_find_segment(int dirfd, const char *name, void *arg)
{
	struct job_find *find = arg;
	uint32_t segment;
	uint64_t deal;

	if (sharefile_parse_name(name, &segment, &deal) ||
	    segment != find->segment)
		return 0;
	find->deal = deal;
	return 1;
}

int job_segment(const struct job *job, uint32_t segment, uint64_t *deal)
{
	struct job_find find = { .segment = segment };
	int ret = folder_walk(job->dirfd, job_find_segment, &find);

	if (ret > 0)
		*deal = find.deal;
	return ret;
}

/* What is prepared is what is there: a change makes it pending again. */
static int job_unprepare(struct job *job)
{
	int ret;

	if (job->state == JOB_PENDING)
		return 0;
	if (job->state != JOB_PREPARED)
		return -EALREADY;
	ret = durable_unlink(job->dirfd, JOB_READY);
	if (!ret)
		job->state = JOB_PENDING;
	return ret;
}

int job_share_create(struct storage *st, struct job *job,
		     const struct record *rec, uint64_t length,
		     struct sharefile_writer *w)
{
	int ret;

	if (st->quota && (length > st->quota || st->used > st->quota - length))
		return -EDQUOT;
	ret = job_unprepare(job) ?:
	      sharefile_create(w, job->dirfd, rec, length);
	if (!ret)
		st->used += w->total;
	return ret;
}

void job_share_abandon(struct storage *st, struct sharefile_writer *w)
{
	st->used -= w->total;
	sharefile_abandon(w);
}

static int job_drop_other(int dirfd, const char *name, void *arg)
{
	struct job_find *find = arg;
	struct stat stat;
	uint32_t segment;
	uint64_t deal;

	if (sharefile_parse_name(name, &segment, &deal) ||
	    segment != find->segment || deal == find->keep)
		return 0;
	if (fstatat(dirfd, name, &stat, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (unlinkat(dirfd, name, 0))
		return -errno;
	if ((uint64_t)stat.st_size <= find->st->used)
		find->st->used -= stat.st_size;
	find->dropped = 1;
	return 0;
}

int job_share_commit(struct storage *st, struct job *job,
		     const struct record *rec, struct sharefile_writer *w)
{
	struct job_find find = { .segment = rec->id.segment,
				 .keep = rec->id.deal, .st = st };
	uint64_t total = w->total;
	int ret;

	/* another connection has said that it is whole, since this share began */
	if (job->state != JOB_PENDING) {
		job_share_abandon(st, w);
		return -EALREADY;
	}
	ret = sharefile_commit(w);
	if (ret) {
		st->used -= total;
		return ret;
	}
	ret = folder_walk(job->dirfd, job_drop_other, &find);
	if (!ret && find.dropped && fsync(job->dirfd))
		ret = -errno;
	return ret;
}

int job_share_void(struct storage *st, struct job *job, uint32_t segment,
		   uint64_t deal)
{
	char name[SHAREFILE_NAME];
	struct stat stat;
	int ret;

	sharefile_name(segment, deal, name);
	if (fstatat(job->dirfd, name, &stat, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	ret = job_unprepare(job) ?: durable_unlink(job->dirfd, name);
	if (!ret && (uint64_t)stat.st_size <= st->used)
		st->used -= stat.st_size;
	return ret;
}

/* --- prepare, commit, abort */

struct job_count {
	uint8_t *seen;		/* one bit a segment */
	uint32_t segments, count;
};

static int job_count_segment(int dirfd, const char *name, void *arg)
{
	struct job_count *c = arg;
	uint32_t segment;
	uint64_t deal;

	if (sharefile_parse_name(name, &segment, &deal) ||
	    segment >= c->segments)
		return 0;
	if (c->seen[segment / 8] & 1 << segment % 8)
		return -EEXIST;		/* two deals: cannot be */
	c->seen[segment / 8] |= 1 << segment % 8;
	c->count++;
	return 0;
}

int job_prepare(struct job *job, struct err *err)
{
	struct job_count c = { .segments = job->rec.segments };
	int ret;

	if (job->state == JOB_PREPARED || job->state == JOB_COMMITTED)
		return 0;
	if (job->state == JOB_GONE)
		return err_set(err, -ENOENT, "the job was aborted");
	c.seen = calloc(1, c.segments / 8 + 1);
	if (!c.seen)
		return err_set(err, -ENOMEM, "out of memory");
	ret = folder_walk(job->dirfd, job_count_segment, &c);
	free(c.seen);
	if (!ret && c.count != c.segments)
		return err_set(err, -EAGAIN,
			       "%" PRIu32 " of %" PRIu32 " segments are here",
			       c.count, c.segments);
	if (!ret)
		ret = durable_write(job->dirfd, JOB_READY, "", 0);
	if (ret)
		return err_set(err, ret, "cannot prepare: %s", strerror(-ret));
	job->state = JOB_PREPARED;
	return 0;
}

static int job_discard(struct storage *st, struct job *job)
{
	char text[UUID_TEXT];
	int ret;

	uuid_format(job->id, text);
	ret = storage_discard(st, st->pending, text);
	if (ret)
		return ret;
	st->pending_count--;
	job->state = JOB_GONE;
	/* left by a commit that ended before its rename */
	return folder_exists(st->names, text) ?
	       durable_unlink(st->names, text) : 0;
}

static int job_move(struct storage *st, struct job *job)
{
	char object[UUID_TEXT], version[STORAGE_VERSION_NAME];
	char text[UUID_TEXT], place[JOB_PLACE];
	int fd, ret;

	uuid_format(job->id, text);
	job_place(&job->rec, object, version);
	snprintf(place, sizeof(place), "%s/%s", object, version);
	ret = durable_mkdir(st->objects, object);
	if (ret)
		return ret;
	fd = folder_open(st->objects, object);
	if (fd < 0)
		return fd;
	ret = folder_exists(fd, version);
	if (ret > 0)
		ret = -EEXIST;
	if (!ret)
		ret = durable_write(st->names, text, place, strlen(place)) ?:
		      durable_rename(st->pending, text, fd, version);
	close(fd);
	return ret;
}

int job_commit(struct storage *st, struct job *job, struct err *err)
{
	int ret;

	if (job->state == JOB_COMMITTED)
		return 0;
	if (job->state == JOB_PREPARED) {
		ret = job_move(st, job);
		if (ret)
			return err_set(err, ret, "cannot commit: %s",
				       ret == -EEXIST ?
				       "another job committed this version" :
				       strerror(-ret));
		st->pending_count--;
		job->state = JOB_COMMITTED;
		return 0;
	}
	if (job->state == JOB_PENDING)
		job_discard(st, job);
	return err_set(err, -ENOENT,
		       "not prepared here: the put went on without this member");
}

int job_abort(struct storage *st, struct job *job, struct err *err)
{
	int ret;

	if (job->state == JOB_GONE)
		return 0;
	if (job->state == JOB_COMMITTED)
		return err_set(err, -EALREADY,
			       "the job is committed: delete the object");
	ret = job_discard(st, job);
	return ret ? err_set(err, ret, "cannot abort: %s", strerror(-ret)) : 0;
}
