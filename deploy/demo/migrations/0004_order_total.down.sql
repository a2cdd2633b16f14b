DROP TRIGGER order_total ON order_lines;
DROP FUNCTION order_total();
