ALTER TABLE orders DROP COLUMN currency;
ALTER TABLE invoices DROP COLUMN currency;
