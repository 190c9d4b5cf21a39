// SPDX-License-Identifier: GPL-2.0
/*
 * Committed objects: reading, deleting and listing them. Nothing here believes
 * object.json: what is said about an object is what a share file says whose
 * digest was found right.
 */
#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "durable.h"
#include "folder.h"
#include "log.h"

/* --- one record out of a folder */

#define RECORD_TRIES	8	/* rotten shares passed over before giving up */

struct record_find {
	struct record *rec;
	struct err *err;
	int only_first;		/* segment 0, which is small */
	int tries, ret;
};

static int record_try(int dirfd, const char *name, void *arg)
{
	struct record_find *find = arg;
	struct sharefile f;
	uint32_t segment;
	uint64_t deal;

	if (sharefile_parse_name(name, &segment, &deal) ||
	    find->only_first != !segment)
		return 0;
	find->ret = sharefile_open(&f, dirfd, name, find->err);
	if (!find->ret) {
		find->ret = sharefile_verify(&f, UINT64_MAX, find->err);
		if (!find->ret) {
			*find->rec = f.rec;	/* moves */
			memset(&f.rec, 0, sizeof(f.rec));
		}
		sharefile_close(&f);
	}
	if (!find->ret)
		return 1;
	log_warn("share %s is not used: %s", name, strerror(-find->ret));
	return ++find->tries == RECORD_TRIES;
}

int storage_folder_record(int dirfd, struct record *rec, struct err *err)
{
	struct record_find find = { .rec = rec, .err = err, .only_first = 1,
				    .ret = -ENOENT };
	int ret = folder_walk(dirfd, record_try, &find);

	if (!ret) {
		find.only_first = 0;
		ret = folder_walk(dirfd, record_try, &find);
	}
	return ret < 0 ? ret : find.ret;
}

/* --- reading */

static int version_open(struct storage *st, const uint8_t object[16],
			uint32_t version, uint64_t epoch)
{
	char name[STORAGE_VERSION_NAME], text[UUID_TEXT];
	int dir, fd;

	uuid_format(object, text);
	storage_version_name(version, epoch, name);
	dir = folder_open(st->objects, text);
	if (dir < 0)
		return dir;
	fd = folder_open(dir, name);
	close(dir);
	return fd;
}

int object_share_open(struct storage *st, const uint8_t object[16],
		      uint32_t version, uint64_t epoch, uint32_t segment,
		      struct sharefile *f, struct err *err)
{
	struct job here = { .dirfd = version_open(st, object, version, epoch) };
	char name[SHAREFILE_NAME];
	uint64_t deal;
	int ret;

	if (here.dirfd < 0)
		return err_set(err, here.dirfd, "no such object here");
	ret = job_segment(&here, segment, &deal);
	if (ret <= 0) {
		ret = err_set(err, ret ?: -ENOENT, "no such segment here");
		goto out;
	}
	sharefile_name(segment, deal, name);
	ret = sharefile_open(f, here.dirfd, name, err);
	if (ret)
		goto out;
	if (memcmp(f->rec.id.object, object, sizeof(f->rec.id.object)) ||
	    f->rec.id.version != version || f->rec.id.epoch != epoch) {
		sharefile_close(f);
		ret = err_set(err, -EBADMSG,
			      "%s: is another object's share", name);
	}
out:
	close(here.dirfd);
	return ret;
}

/* --- all versions of an object, pending jobs of a version */

struct version_walk {
	uint32_t version;	/* 0: all */
	const uint8_t *object;
	int (*each)(struct storage *st, int dirfd, const char *name,
		    int versiondir, void *arg);
	struct storage *st;
	void *arg;
};

static int version_each(int dirfd, const char *name, void *arg)
{
	struct version_walk *walk = arg;
	uint32_t version;
	uint64_t epoch;
	int fd, ret;

	if (storage_parse_version(name, &version, &epoch) ||
	    (walk->version && version != walk->version))
		return 0;
	fd = folder_open(dirfd, name);
	if (fd < 0)
		return fd;
	ret = walk->each(walk->st, dirfd, name, fd, walk->arg);
	close(fd);
	return ret;
}

static int version_walk(struct storage *st, const char *object,
			struct version_walk *walk)
{
	int fd = folder_open(st->objects, object), ret;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	walk->st = st;
	ret = folder_walk(fd, version_each, walk);
	close(fd);
	return ret;
}

struct pending_find {
	const uint8_t *object;
	uint32_t version;
	struct storage *st;
	struct record *rec;	/* NULL: abort them */
	int count;
	int error;		/* of one that cannot be read, and may be meant */
};

static int pending_each(int dirfd, const char *name, void *arg)
{
	struct pending_find *find = arg;
	uint8_t id[UUID_BYTES];
	struct err err;
	struct job *job;
	int ret = 0;

	if (uuid_parse(name, id))
		return 0;
	ret = job_get(find->st, id, &job, &err);
	if (ret) {
		/* without a record nobody was told of it */
		if (ret != -ENOENT) {
			log_warn("pending job %s: %s", name, err.text);
			find->error = ret;
		}
		return 0;
	}
	if (!memcmp(job->rec.id.object, find->object, UUID_BYTES) &&
	    job->rec.id.version == find->version) {
		if (!find->rec) {
			ret = job_abort(find->st, job, &err);
			find->count += !ret;
		} else {
			*find->rec = job->rec;
			find->rec->policy = strdup(job->rec.policy);
			json_incref(find->rec->sigs);
			ret = find->rec->policy ? 1 : -ENOMEM;
		}
	}
	job_put(find->st, job);
	return ret;
}

struct record_found {
	struct record *rec;
	int error;		/* of a version that is here and says nothing */
};

static int record_each(struct storage *st, int dirfd, const char *name, int fd,
		       void *arg)
{
	struct record_found *found = arg;
	struct err err;
	int ret;

	ret = storage_folder_record(fd, found->rec, &err);
	if (!ret)
		return 1;
	found->error = ret == -ENOENT ? -EBADMSG : ret;
	return 0;
}

int object_record(struct storage *st, const uint8_t object[16],
		  uint32_t version, struct record *rec, struct err *err)
{
	struct record_found found = { .rec = rec };
	struct version_walk walk = { .version = version, .each = record_each,
				     .arg = &found };
	struct pending_find find = { .object = object, .version = version,
				     .st = st, .rec = rec };
	char text[UUID_TEXT];
	int ret;

	uuid_format(object, text);
	ret = version_walk(st, text, &walk) ?:
	      folder_walk(st->pending, pending_each, &find);
	if (ret > 0)
		return 0;
	/* only what was looked at to the end is surely not here */
	ret = ret ?: found.error ?: find.error;
	if (ret)
		return err_set(err, ret,
			       "something of it may be here, and cannot be read: %s",
			       strerror(-ret));
	return err_set(err, -ENOENT, "no such object here");
}

/* --- deleting */

static int delete_each(struct storage *st, int dirfd, const char *name, int fd,
		       void *arg)
{
	char text[UUID_TEXT];
	struct record rec;
	struct job *job;
	struct err err;
	int *count = arg, known, ret;

	known = !storage_folder_record(fd, &rec, &err);
	if (known) {
		uuid_format(rec.job, text);
		for (job = st->jobs; job; job = job->next)
			if (!memcmp(job->id, rec.job, sizeof(rec.job)))
				job->state = JOB_GONE;
		record_free(&rec);
	}
	ret = storage_discard(st, dirfd, name);
	if (ret)
		return ret;
	(*count)++;
	/* a name that stays leads nowhere, and does no harm */
	return known ? durable_unlink(st->names, text) : 0;
}

int object_delete(struct storage *st, const uint8_t object[16],
		  uint32_t version, struct err *err)
{
	struct pending_find find = { .object = object, .version = version,
				     .st = st };
	int count = 0, ret;
	struct version_walk walk = { .version = version, .each = delete_each,
				     .arg = &count };
	char text[UUID_TEXT];

	uuid_format(object, text);
	ret = version_walk(st, text, &walk) ?:
	      folder_walk(st->pending, pending_each, &find) ?: find.error;
	if (ret < 0)
		return err_set(err, ret, "cannot delete: %s", strerror(-ret));
	/* stays while there are other versions */
	if (!unlinkat(st->objects, text, AT_REMOVEDIR) && fsync(st->objects))
		return err_set(err, -errno, "cannot delete: %s",
			       strerror(errno));
	return count + find.count;
}

/* --- going through them */

struct visit {
	storage_visit *visit;
	void *arg;
};

static int visit_each(struct storage *st, int dirfd, const char *name, int fd,
		      void *arg)
{
	struct visit *v = arg;
	struct record rec;
	uint32_t version;
	uint64_t epoch;
	struct err err;
	int ret;

	if (storage_folder_record(fd, &rec, &err)) {
		log_warn("a version %s is not listed: no share of it is whole",
			 name);
		return 0;
	}
	storage_parse_version(name, &version, &epoch);
	ret = 0;
	if (rec.id.version == version && rec.id.epoch == epoch)
		ret = v->visit(&rec, JOB_COMMITTED, v->arg);
	record_free(&rec);
	return ret;
}

int storage_objects(struct storage *st, const char *after, unsigned int max,
		    storage_visit *visit, void *arg, char last[UUID_TEXT])
{
	struct visit v = { visit, arg };
	struct version_walk walk = { .each = visit_each, .arg = &v };
	struct folder_page page = { .after = after, .max = max };
	unsigned int i;
	int ret;

	page.name = calloc(max + 1, sizeof(page.name[0]));
	if (!page.name)
		return -ENOMEM;
	ret = folder_page(st->objects, &page);
	for (i = 0; !ret && i < page.count; i++) {
		ret = version_walk(st, page.name[i], &walk);
		memcpy(last, page.name[i], UUID_TEXT);
	}
	free(page.name);
	return ret ?: page.more;
}

static int visit_job(struct storage *st, const char *name, unsigned int min_age,
		     struct visit *v)
{
	uint8_t id[UUID_BYTES];
	struct stat stat;
	struct err err;
	struct job *job;
	int ret = 0;

	uuid_parse(name, id);
	if (job_get(st, id, &job, &err)) {
		log_warn("pending job %s: %s", name, err.text);
		return 0;
	}
	if (fstat(job->dirfd, &stat))
		ret = -errno;
	else if (!min_age || (stat.st_mtime + min_age <= time(NULL) &&
		 (!job->owner || job->active + min_age * 1000ULL <=
		  monotonic_ms())))
		ret = v->visit(&job->rec, job->state, v->arg);
	job_put(st, job);
	return ret;
}

int storage_jobs(struct storage *st, const char *after, unsigned int max,
		 unsigned int min_age, storage_visit *visit, void *arg,
		 char last[UUID_TEXT])
{
	struct visit v = { visit, arg };
	struct folder_page page = { .after = after, .max = max };
	unsigned int i;
	int ret;

	page.name = calloc(max + 1, sizeof(page.name[0]));
	if (!page.name)
		return -ENOMEM;
	ret = folder_page(st->pending, &page);
	for (i = 0; !ret && i < page.count; i++) {
		ret = visit_job(st, page.name[i], min_age, &v);
		memcpy(last, page.name[i], UUID_TEXT);
	}
	free(page.name);
	return ret ?: page.more;
}
