-- The role that skein connects as: what each feature needs (docs/security.md has the table), and no more.
-- For psql, as a superuser, once in every database that skein is to migrate. May be run again at any time.
--
--     psql -X -d tenant_1 -f role.sql
--     psql -X -d tenant_1 -v role=skein -v schema=public -v owner=app -f role.sql
--
--   role    how it is called (skein); how it proves who it is, pg_hba.conf says: nothing here sets a password
--   schema  the schema in which migrations make things (public); for several, run this for each
--   owner   the role that owns what is there already (none): skein becomes a member of it, since PostgreSQL lets
--           nobody else ALTER and DROP. `SET ROLE owner` in a migration makes what it creates that role's, too.
--           Nothing is granted to it here: to create, it wants GRANT USAGE, CREATE ON SCHEMA … TO owner, if it has not
\set ON_ERROR_STOP on
\set QUIET on
\if :{?role}
\else
\set role skein
\endif
\if :{?schema}
\else
\set schema public
\endif
SET client_min_messages = warning;

-- The server, once: it may log in, and see what other sessions do.
SELECT pg_catalog.format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', :'role')
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role') \gexec
GRANT pg_read_all_stats TO :"role";

-- This database: it may come in, and make schema skein there. Once that is made, CREATE may be revoked.
GRANT CONNECT, CREATE ON DATABASE :"DBNAME" TO :"role";

-- Where migrations make things.
GRANT USAGE, CREATE ON SCHEMA :"schema" TO :"role";

-- What a REINDEX … CONCURRENTLY of a table leaves there of its long values when it is broken off: its owner may drop
-- it, but has to be let in.
GRANT USAGE ON SCHEMA pg_toast TO :"role";

-- What others own.
\if :{?owner}
GRANT :"owner" TO :"role";
GRANT USAGE ON SCHEMA pg_toast TO :"owner"; -- where migrations run as that one
\endif
