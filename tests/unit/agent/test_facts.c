/* What the agent knows of its instances, from its watchers' letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/facts.h"

static const uint8_t BOOT_ID[BOOT_ID_BYTES] = { 1, 2, 3, 4, 5 };

static AgentInstanceConfig instances[] = { { .name = "a" }, { .name = "b" } };
static const AgentConfig CONFIG = { .instances = instances, .instance_count = 2 };

static InventoryTarget target(const char *address, const char *version)
{
    return (InventoryTarget){ .target = address,
                              .instance = "a",
                              .identity = { 1, 2, "" },
                              .version = version,
                              .is_read = true,
                              .rollout = "" };
}

static bool take_list(Facts *facts, const char *instance, InventoryTarget *targets, size_t count)
{
    Inventory page = { .revision = 1, .is_last = true, .targets = targets, .target_count = count };
    return facts_take_page(facts, instance, &page);
}

static void an_instance_is_not_reached_before_its_first_list_is_whole(void **state)
{
    (void)state;
    AUTO_PTR(Facts) facts = facts_new(&CONFIG, "db1", BOOT_ID);
    HelloInstance server = { .name = "a", .system_identifier = 7, .server_version = 150020 };

    assert_false(facts_take_server(facts, &server));
    assert_int_equal(facts_instance(facts, "a")->system_identifier, 0);

    InventoryTarget targets[] = { target("a/x", "1") };
    assert_true(take_list(facts, "a", targets, 1));
    assert_int_equal(facts_instance(facts, "a")->system_identifier, 7);
    assert_int_equal(facts_instance(facts, "b")->system_identifier, 0);
}

static void the_same_list_again_changes_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Facts) facts = facts_new(&CONFIG, "db1", BOOT_ID);
    InventoryTarget targets[] = { target("a/x", "1"), target("a/y", "1") };

    assert_true(take_list(facts, "a", targets, 2));
    uint64_t revision = facts_view(facts)->inventory_revision;
    assert_false(take_list(facts, "a", targets, 2));
    assert_int_equal(facts_view(facts)->inventory_revision, revision);
}

static void a_new_version_is_a_new_revision(void **state)
{
    (void)state;
    AUTO_PTR(Facts) facts = facts_new(&CONFIG, "db1", BOOT_ID);
    InventoryTarget before[] = { target("a/x", "1") };
    InventoryTarget after[] = { target("a/x", "2") };

    take_list(facts, "a", before, 1);
    uint64_t revision = facts_view(facts)->inventory_revision;
    assert_true(take_list(facts, "a", after, 1));
    assert_true(facts_view(facts)->inventory_revision > revision);
    assert_string_equal(facts_target(facts, "a/x")->version, "2");
}

static void what_the_history_says_of_a_rollout_is_told_and_kept(void **state)
{
    (void)state;
    AUTO_PTR(Facts) facts = facts_new(&CONFIG, "db1", BOOT_ID);
    uint8_t hash[PLAN_HASH_BYTES] = { 5 };
    InventoryTarget targets[] = { target("a/x", "1") };
    targets[0].plan_hash = (Bytes){ hash, sizeof(hash) };
    targets[0].applied = 2;
    take_list(facts, "a", targets, 1);
    hash[0] = 6; /* it has a copy */
    assert_int_equal(facts_target(facts, "a/x")->plan_hash.data[0], 5);
    assert_int_equal(facts_target(facts, "a/x")->applied, 2);
    uint64_t revision = facts_view(facts)->inventory_revision;
    assert_true(take_list(facts, "a", targets, 1)); /* another plan */
    targets[0].applied = 0;
    assert_true(take_list(facts, "a", targets, 1)); /* taken back */
    assert_int_equal(facts_view(facts)->inventory_revision, revision + 2);
}

static void one_instance_keeps_its_targets_when_the_other_is_listed_anew(void **state)
{
    (void)state;
    AUTO_PTR(Facts) facts = facts_new(&CONFIG, "db1", BOOT_ID);
    InventoryTarget of_a[] = { target("a/x", "1") };
    InventoryTarget of_b[] = { target("b/x", "1"), target("b/y", "1") };

    take_list(facts, "a", of_a, 1);
    take_list(facts, "b", of_b, 2);
    assert_int_equal(facts_view(facts)->target_count, 3);
    take_list(facts, "b", of_b, 1);
    assert_int_equal(facts_view(facts)->target_count, 2);
    assert_non_null(facts_target(facts, "a/x"));
    assert_null(facts_target(facts, "b/y"));
}

static void pages_count_only_when_the_last_has_come(void **state)
{
    (void)state;
    AUTO_PTR(Facts) facts = facts_new(&CONFIG, "db1", BOOT_ID);
    InventoryTarget first[] = { target("a/x", "1") };
    InventoryTarget second[] = { target("a/y", "1") };
    Inventory page = { .revision = 1, .page = 0, .targets = first, .target_count = 1 };
    Inventory last = {
        .revision = 1, .page = 1, .is_last = true, .targets = second, .target_count = 1
    };

    assert_false(facts_take_page(facts, "a", &page));
    assert_int_equal(facts_view(facts)->target_count, 0);
    assert_true(facts_take_page(facts, "a", &last));
    assert_int_equal(facts_view(facts)->target_count, 2);
}

static void revisions_of_two_processes_differ(void **state)
{
    (void)state;
    static const uint8_t OTHER_BOOT_ID[BOOT_ID_BYTES] = { 9, 8, 7, 6, 5 };
    AUTO_PTR(Facts) one = facts_new(&CONFIG, "db1", BOOT_ID);
    AUTO_PTR(Facts) other = facts_new(&CONFIG, "db1", OTHER_BOOT_ID);
    InventoryTarget targets[] = { target("a/x", "1") };

    take_list(one, "a", targets, 1);
    take_list(other, "a", targets, 1);
    assert_int_not_equal(facts_view(one)->inventory_revision,
                         facts_view(other)->inventory_revision);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_is_not_reached_before_its_first_list_is_whole),
        cmocka_unit_test(the_same_list_again_changes_nothing),
        cmocka_unit_test(a_new_version_is_a_new_revision),
        cmocka_unit_test(what_the_history_says_of_a_rollout_is_told_and_kept),
        cmocka_unit_test(one_instance_keeps_its_targets_when_the_other_is_listed_anew),
        cmocka_unit_test(pages_count_only_when_the_last_has_come),
        cmocka_unit_test(revisions_of_two_processes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
