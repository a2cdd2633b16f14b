/* A pool of distinct texts behind a mutex. */
#include "cli/catalog/texts.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/map.h"

struct Texts {
    pthread_mutex_t mutex;
    Map *map;
    Arena arena;
};

Texts *texts_new(void)
{
    Texts *texts = mem_alloc(sizeof(*texts));
    pthread_mutex_init(&texts->mutex, NULL);
    texts->map = map_new();
    return texts;
}

void texts_free(Texts *texts)
{
    if (texts == NULL) {
        return;
    }
    map_free(texts->map);
    arena_done(&texts->arena);
    pthread_mutex_destroy(&texts->mutex);
    free(texts);
}

const char *texts_keep(Texts *texts, const char *text)
{
    pthread_mutex_lock(&texts->mutex);
    char *kept = map_get(texts->map, text);
    if (kept == NULL) {
        kept = arena_strdup(&texts->arena, text);
        map_put(texts->map, kept, kept);
    }
    pthread_mutex_unlock(&texts->mutex);
    return kept;
}
