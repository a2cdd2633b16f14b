/* What agents list of their databases. */
#include "tests/unit/coordinator/engine/harness.h"

void say_page(Fleet *fleet, const char *name, const Inventory *page)
{
    Host *from = host(fleet, name);
    step(fleet, (Event){ .kind = EVENT_INVENTORY,
                         .agent = name,
                         .connection = from->connection,
                         .session = from->session,
                         .protocol = from->protocol,
                         .inventory = page });
}

void say_listing(Fleet *fleet, const char *name, InventoryTarget *targets, size_t count)
{
    say_page(fleet, name,
             &(Inventory){ .revision = ++host(fleet, name)->revision,
                           .is_last = true,
                           .targets = targets,
                           .target_count = count });
}

void say_page_of_one(Fleet *fleet, uint64_t revision, uint32_t number, bool is_last,
                     const char *address)
{
    InventoryTarget target = { .target = address,
                               .instance = "a",
                               .identity = { host(fleet, "a")->system_identifier, 5000 + number,
                                             "" },
                               .version = "",
                               .is_read = true,
                               .rollout = "" };
    say_page(fleet, "a",
             &(Inventory){ .revision = revision,
                           .page = number,
                           .is_last = is_last,
                           .targets = &target,
                           .target_count = 1 });
}
