CREATE TABLE orders (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id),
    placed_at   timestamptz NOT NULL DEFAULT now(),
    total       numeric(12, 2) NOT NULL DEFAULT 0
);

CREATE TABLE order_lines (
    order_id   bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position   int NOT NULL,
    product_id bigint NOT NULL REFERENCES products (id),
    quantity   int NOT NULL CHECK (quantity > 0),
    price      numeric(12, 2) NOT NULL,
    PRIMARY KEY (order_id, position)
);
