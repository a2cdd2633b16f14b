-- Looks harmless, and is on an empty table. On one with rows it fails.
ALTER TABLE invoices ADD COLUMN currency char(3) NOT NULL DEFAULT 'EUR';
ALTER TABLE orders ADD COLUMN currency char(3) NOT NULL;
