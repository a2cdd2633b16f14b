CREATE TYPE product_kind AS ENUM ('goods', 'service', 'subscription');

CREATE TABLE products (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind  product_kind NOT NULL DEFAULT 'goods',
    name  text NOT NULL,
    price numeric(12, 2) NOT NULL CHECK (price >= 0)
);
