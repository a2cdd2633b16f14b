-- skein: no-transaction
CREATE INDEX CONCURRENTLY orders_by_customer ON orders (customer_id, placed_at);
