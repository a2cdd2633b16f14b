CREATE TABLE invoices (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id  bigint NOT NULL UNIQUE REFERENCES orders (id),
    issued_on date NOT NULL DEFAULT current_date,
    amount    numeric(12, 2) NOT NULL
);

CREATE VIEW open_orders AS
    SELECT o.* FROM orders o LEFT JOIN invoices i ON i.order_id = o.id WHERE i.id IS NULL;
