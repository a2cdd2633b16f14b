ALTER TABLE customers ADD COLUMN points int NOT NULL DEFAULT 0;
-- A backfill that takes a while, as they do.
SELECT pg_sleep(0.4);
UPDATE customers c SET points = (SELECT coalesce(sum(total), 0)::int FROM orders o WHERE o.customer_id = c.id);
