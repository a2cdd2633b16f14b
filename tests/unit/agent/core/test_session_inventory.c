/* The agent's session, played: what there is, told in pages. */
#include "tests/unit/agent/core/session_stage.h"

static void fill_inventory(Play *play, size_t count)
{
    play->facts.targets = calloc(count, sizeof(*play->facts.targets));
    play->facts.target_count = count;
    for (size_t i = 0; i < count; i++) {
        play->facts.targets[i] = (InventoryTarget){
            .target = "i/d", .instance = "i", .identity = { 1, 1, "" }, .version = "", .rollout = ""
        };
    }
}

static void the_inventory_is_told_in_pages_when_the_coordinators_differs(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    fill_inventory(&play, 1201);
    connect_link(&play);
    welcome(&play, 4);
    assert_int_equal(count_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY), 3);
    const Inventory *last = sent(&play, MESSAGE_INVENTORY);
    assert_int_equal(last->revision, 5);
    assert_int_equal(last->page, 2);
    assert_int_equal(last->target_count, 201);
    assert_ptr_equal(last->targets, play.facts.targets + 1000);
    assert_true(last->is_last);
}

static void whom_it_trusts_is_told_with_the_last_page(void **state)
{
    (void)state;
    static const uint8_t KEY[SIGNER_PUBLIC_BYTES] = { 1 };
    TrustedKey trusted = { { KEY, sizeof(KEY) }, "ann" };
    AUTO(Play) play;
    play_init(&play);
    play.facts.required_signatures = 2;
    play.facts.plans_must_expire = true;
    play.facts.trusted = &trusted;
    play.facts.trusted_count = 1;
    fill_inventory(&play, 501);
    connect_link(&play);
    welcome(&play, 4);
    size_t told = 0;
    LIST_EACH(effect, &play.effects.list) {
        const Inventory *page = effect->body;
        if (effect->kind == LINK_EFFECT_SEND && effect->type == MESSAGE_INVENTORY) {
            assert_int_equal(page->trusted_count, page->is_last ? 1 : 0);
            assert_int_equal(page->required_signatures, page->is_last ? 2 : 0);
            assert_int_equal(page->plans_must_expire, page->is_last);
            told += page->trusted_count;
        }
    }
    assert_int_equal(told, 1);
}

static void pages_stay_below_the_limit_of_a_message(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    fill_inventory(&play, 500);
    char address[ADDRESS_MAX + 1];
    memset(address, 'a', ADDRESS_MAX);
    address[ADDRESS_MAX] = '\0';
    for (size_t i = 0; i < 500; i++) {
        play.facts.targets[i].target = address;
    }
    connect_link(&play);
    welcome(&play, 4);
    assert_true(count_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY) >= 2);
    assert_in_range(((const Inventory *)sent(&play, MESSAGE_INVENTORY))->target_count, 1, 400);
}

static void an_empty_inventory_is_told_too(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    welcome(&play, 4);
    const Inventory *page = sent(&play, MESSAGE_INVENTORY);
    assert_non_null(page);
    assert_true(page->is_last);
    assert_int_equal(page->target_count, 0);
}

/* Nothing acknowledges a page: one that was lost must not stay lost. */
static void the_inventory_is_told_again_now_and_then(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    size_t times = 0;
    while (play.now_ms < 1000000 + 1200000) {
        tick_at(&play, agent_session_next_deadline_ms(play.session));
        times += count_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY);
        pong(&play, play.now_ms);
    }
    assert_in_range(times, 3, 5);
}

static void a_changed_inventory_is_told_once(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    assert_int_equal(play.effects.list.count, 0);
    play.facts.inventory_revision = 6;
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    assert_int_equal(count_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY), 1);
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    assert_int_equal(play.effects.list.count, 0);
}

/* The welcome may get lost: it is waited for like the first one. */
static void a_changed_instance_is_told_by_a_new_hello(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    HelloInstance instance = { .name = "i", .timeline = 2 };
    play.facts.instances = &instance;
    play.facts.instance_count = 1;
    play.facts.inventory_revision = 6;
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_non_null(hello);
    assert_int_equal(hello->instances[0].timeline, 2);
    assert_null(sent(&play, MESSAGE_INVENTORY));
    play.number++;
    welcome(&play, 5);
    assert_non_null(sent(&play, MESSAGE_INVENTORY));
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    assert_int_equal(play.effects.list.count, 0);
}

static void what_was_reported_while_nobody_listened_is_told_with_the_welcome(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    connect_link(&play);
    report(&play, 1, 1, REPORT_UNKNOWN);
    assert_null(sent(&play, MESSAGE_STATE));
    play.number++;
    welcome(&play, 5);
    assert_int_equal(told(&play)->report, REPORT_UNKNOWN);
    settle(&play, 1, 1, REPORT_APPLIED);
    connect_link(&play);
    play.number++;
    welcome(&play, 5);
    assert_null(sent(&play, MESSAGE_STATE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inventory_is_told_in_pages_when_the_coordinators_differs),
        cmocka_unit_test(pages_stay_below_the_limit_of_a_message),
        cmocka_unit_test(an_empty_inventory_is_told_too),
        cmocka_unit_test(a_changed_inventory_is_told_once),
        cmocka_unit_test(a_changed_instance_is_told_by_a_new_hello),
        cmocka_unit_test(what_was_reported_while_nobody_listened_is_told_with_the_welcome),
        cmocka_unit_test(the_inventory_is_told_again_now_and_then),
        cmocka_unit_test(whom_it_trusts_is_told_with_the_last_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
