-- The total of an order follows its lines.
CREATE FUNCTION order_total() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE orders
    SET total = (SELECT coalesce(sum(quantity * price), 0) FROM order_lines
                 WHERE order_id = coalesce(NEW.order_id, OLD.order_id))
    WHERE id = coalesce(NEW.order_id, OLD.order_id);
    RETURN NULL;
END;
$body$;

CREATE TRIGGER order_total AFTER INSERT OR UPDATE OR DELETE ON order_lines
    FOR EACH ROW EXECUTE FUNCTION order_total();
