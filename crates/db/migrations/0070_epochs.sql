-- Numbers that go up in the transaction that changes what they stand for, so that every server notices.
CREATE TABLE epochs (
  name   TEXT   PRIMARY KEY,
  number BIGINT NOT NULL
);
