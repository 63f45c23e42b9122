-- Up Migration
-- What operators share: texts that they insert. folded is shortcut, line break and text as the server compares them: the
-- database's own locale may know no letters but A to Z. One index for each scope finds an owner's answers and keeps their
-- shortcuts apart.

create table canned_answer (
  id bigint generated always as identity primary key,
  scope text collate "C" not null,
  operator_id bigint,
  department_key text collate "C",
  lang text collate "C" not null,
  shortcut text collate "C" not null,
  text text not null,
  folded text collate "C" not null,
  check (scope in ('own', 'department', 'all')),
  check ((scope = 'own') = (operator_id is not null) and (scope = 'department') = (department_key is not null))
);
create unique index canned_answer_own on canned_answer (operator_id, lang, shortcut) where scope = 'own';
create unique index canned_answer_department on canned_answer (department_key, lang, shortcut) where scope = 'department';
create unique index canned_answer_all on canned_answer (lang, shortcut) where scope = 'all';
