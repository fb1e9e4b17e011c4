-- 0002_returns_heard_first.sql
-- Why: a returned payment may be heard before the payment it takes back. Without the name it gave, the later payment
-- closed the invoice although the money was gone.
-- Running workers: safe, the column is empty until they write it. Lock: short, no rewrite.
-- Up Migration

alter table payments add column returns_external_id text;
create index payments_returned_before_heard on payments (tenant_id, source, returns_external_id)
  where returns_external_id is not null and returns_payment_id is null;
