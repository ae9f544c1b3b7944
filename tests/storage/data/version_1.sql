-- A database as version 1 of the schema made it, with some of everything. Never change it: it stands
-- for the files that are out there.
BEGIN;
PRAGMA application_id=1954051171;
PRAGMA user_version=1;
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE users(
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  display_name TEXT NOT NULL,
  credential BLOB
) STRICT;
CREATE TABLE channels(
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  display_name TEXT NOT NULL,
  create_time_ms INTEGER NOT NULL,
  personal INTEGER NOT NULL,
  first_kept INTEGER NOT NULL
) STRICT;
CREATE TABLE memberships(
  channel INTEGER NOT NULL,
  user INTEGER NOT NULL,
  PRIMARY KEY(channel, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE events(
  channel INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  bytes_total INTEGER NOT NULL,
  sender INTEGER,
  client_message_id BLOB,
  user_id TEXT NOT NULL,
  user_name TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY(channel, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE sends(
  sender INTEGER NOT NULL,
  client_message_id BLOB NOT NULL,
  channel INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY(sender, client_message_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE ended_channels(
  key INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE ended_users(
  key INTEGER PRIMARY KEY
) STRICT;
INSERT INTO meta VALUES('epoch','0123456789abcdef');
INSERT INTO meta VALUES('durability','full');
INSERT INTO meta VALUES('boot_id','6f1c9a52-0000-4000-8000-000000000001');
INSERT INTO meta VALUES('ended_in_peace','yes');
INSERT INTO users VALUES(1,'alice','Alice',CAST('hash of alice' AS BLOB));
INSERT INTO users VALUES(2,'[::1]:50412','Jürgen',NULL);
INSERT INTO channels VALUES(7,'3f2a9c01de','news',1700000000007,0,4);
INSERT INTO channels VALUES(8,'[::1]:50412','Jürgen',1700000000008,1,1);
INSERT INTO channels VALUES(9,'77aa00bb11','emptied',1700000000009,0,5);
INSERT INTO memberships VALUES(7,1);
INSERT INTO memberships VALUES(7,2);
INSERT INTO memberships VALUES(8,2);
INSERT INTO events VALUES(7,4,1700000001004,0,105,1,X'006964FF','alice','Alice','hello');
INSERT INTO events VALUES(7,5,1700000001005,0,114,NULL,NULL,'[::1]:50412','Jürgen','it''s 🎉');
INSERT INTO events VALUES(7,6,1700000001006,2,114,NULL,NULL,'[::1]:50412','Jürgen','');
INSERT INTO events VALUES(8,1,1700000001001,1,0,NULL,NULL,'[::1]:50412','Jürgen','');
INSERT INTO events VALUES(8,2,1700000001002,0,0,NULL,NULL,'[::1]:50412','Jürgen','');
INSERT INTO events VALUES(12,1,1700000001001,0,4,1,X'6F6C64','alice','Alice','gone');
INSERT INTO sends VALUES(1,X'006964FF',7,4);
INSERT INTO sends VALUES(1,X'6F6C64',12,1);
INSERT INTO sends VALUES(4,X'61',7,3);
INSERT INTO ended_channels VALUES(12);
INSERT INTO ended_users VALUES(4);
COMMIT;
