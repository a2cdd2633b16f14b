-- Right for every tenant but the one whose data is not as everybody believes.
CREATE UNIQUE INDEX customers_email ON customers (lower(email));
