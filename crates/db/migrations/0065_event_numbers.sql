-- The order of events, and how far each of their readers has come. Whoever is to follow from what is there already
-- has been told by another way.
ALTER TABLE events ADD COLUMN number BIGINT;
UPDATE events SET number = counted.number
  FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY at, id) AS number FROM events) AS counted
  WHERE counted.id = events.id;
CREATE UNIQUE INDEX events_number ON events (number);

CREATE TABLE event_readers (
  name   TEXT   NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL
);
INSERT INTO event_readers (name, number) SELECT 'notifications', COALESCE(MAX(number), 0) FROM events;
INSERT INTO event_readers (name, number) SELECT 'run triggers', COALESCE(MAX(number), 0) FROM events;
