-- Roles for MySQL and MariaDB, as small as they can be. Run as an administrator:
--
--   mysql scheduler < mysql-roles.sql
--
-- in the database that holds the table `action`, which must be there (`action-scheduler init` makes it, run once
-- with a role that may CREATE and ALTER in this database, or create it by hand as docs/mysql.md shows). Put other
-- passwords here, and in place of '%' the hosts from which they connect.

-- The scheduler itself: it reads the table.
CREATE USER IF NOT EXISTS 'action_scheduler'@'%' IDENTIFIED BY 'change me';
GRANT SELECT ON `action` TO 'action_scheduler'@'%';

-- It writes one column, in which it says why a row does not fire. Leave this out where the table has no such column.
GRANT UPDATE (`error`) ON `action` TO 'action_scheduler'@'%';

-- internal_db, where it is to be on this server: a database of its own, `internal_db.database: action_scheduler`.
CREATE DATABASE IF NOT EXISTS `action_scheduler` CHARACTER SET utf8mb4;
GRANT CREATE, ALTER, INDEX, DROP, SELECT, INSERT, UPDATE, DELETE ON `action_scheduler`.* TO 'action_scheduler'@'%';

-- Who edits actions, by hand or with the verbs of the program.
CREATE USER IF NOT EXISTS 'action_editor'@'%' IDENTIFIED BY 'change me, too';
GRANT SELECT, INSERT, UPDATE, DELETE ON `action` TO 'action_editor'@'%';
