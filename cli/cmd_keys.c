/* skein keys generate | show. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "common/cleanup.h"
#include "common/keyfile.h"
#include "common/str.h"

typedef struct Role {
    const char *name;
    KeyKind kind;
    const char *where_to; /* what to do with the public half */
} Role;

static const Role ROLES[] = {
    { "coordinator", KEY_CURVE, "every agent's coordinator_key names %s.pub" },
    { "agent", KEY_CURVE, "copy %s.pub into the coordinator's agents.d: its file name there is the agent's name" },
    { "signer", KEY_SIGN, "every agent's trusted_signers lists %s.pub; --signer or SKEIN_SIGNER names the secret" },
};

static const Role *find_role(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(ROLES); i++) {
        if (strcmp(ROLES[i].name, name) == 0) {
            return &ROLES[i];
        }
    }
    return NULL;
}

static void print_key(const char *file, KeyKind kind, const char *name, const uint8_t *public_key, OutputKind output)
{
    char text[KEY_TEXT_MAX];
    char fingerprint[KEY_FINGERPRINT_MAX];
    key_format(kind, public_key, text);
    key_fingerprint(kind, public_key, fingerprint);
    if (output == OUTPUT_JSON) {
        json_t *value = json_pack("{s:s, s:s, s:s, s:s, s:s}", "file", file, "kind", key_kind_name(kind), "name", name,
                                  "public_key", text, "fingerprint", fingerprint);
        output_json(value);
        json_decref(value);
        return;
    }
    printf("file         %s\nkind         %s\nname         %s\npublic key   %s\nfingerprint  %s\n", file,
           key_kind_name(kind), name, text, fingerprint);
}

ErrCode cmd_keys_generate(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Role *role = find_role(invocation->arguments[0]);
    if (role == NULL) {
        err_set(err, ERR_USAGE, "no kind of key is called '%s'", invocation->arguments[0]);
        return err_hint(err, "coordinator, agent or signer");
    }
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof(host) - 1);
    const char *fallback = role->kind == KEY_SIGN ? "operator" : host;
    const char *name = invocation->argument_count > 1 ? invocation->arguments[1] : fallback;
    const char *path = invocation->options.out;
    if (path == NULL) {
        path = arena_printf(&invocation->arena, "%s.key", name);
    }
    AUTO(KeyPair) pair = { 0 };
    ErrCode code = key_generate(role->kind, name, &pair, err);
    if (code == ERR_NONE) {
        code = keyfile_write(&pair, path, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    print_key(path, pair.kind, pair.name, pair.public_key, invocation->options.output);
    if (invocation->options.output == OUTPUT_TEXT) {
        AUTO(Str) advice = { 0 };
        const char *gap = strstr(role->where_to, "%s");
        str_append_bytes(&advice, role->where_to, (size_t)(gap - role->where_to));
        str_append(&advice, path);
        str_append(&advice, gap + strlen("%s"));
        printf("next         %s\n", str_text(&advice));
    }
    return ERR_NONE;
}

ErrCode cmd_keys_show(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const char *path = invocation->arguments[0];
    if (!str_ends_with(path, ".pub")) {
        path = arena_printf(&invocation->arena, "%s.pub", path);
    }
    PublicKey key;
    ErrCode code = keyfile_read_public(path, KEY_CURVE, &key, err);
    if (code == ERR_CONFIG) {
        code = keyfile_read_public(path, KEY_SIGN, &key, err);
    }
    if (code == ERR_NONE) {
        print_key(path, key.kind, key.name, key.bytes, invocation->options.output);
    }
    return code;
}
