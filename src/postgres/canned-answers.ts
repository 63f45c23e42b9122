/** Canned answers: read at each keystroke of an operator who looks for one, written seldom. */
import { PAGE_BYTES } from '../domain/answer-bytes.ts';
import { ChatError } from '../domain/error.ts';
import type { CannedAnswer, CannedContent, CannedOwner } from '../domain/canned-answer.ts';
import type { CannedAnswers } from '../ports/index.ts';
import type { Database } from './database.ts';
import { sqlState } from './failures.ts';
import { cutToBytes, type Measured, pageOf } from './page-bytes.ts';

const SELECT = 'id, scope, operator_id as "operatorId", department_key as "departmentKey", lang, shortcut, text';
/** Of the owner in $1, $2, $3. */
const OF_OWNER = 'scope = $1 and operator_id is not distinct from $2::bigint and department_key is not distinct from $3::text';
const UNIQUE_VIOLATION = '23505';

const IN_ORDER = "starts_with(folded, $3) desc, array_position('{own,department,all}', scope), folded, id";
const LIST = cutToBytes(
  `select ${SELECT}, row_number() over (order by ${IN_ORDER}) as rank from canned_answer
   where (scope = 'own' and operator_id = $1 or scope = 'department' and ($2::text[] is null or department_key = any($2)) or scope = 'all')
     and strpos(folded, $3) > 0 and ($4::text is null or lang in ($4, ''))
   order by ${IN_ORDER} offset $5 limit $6`,
  'rank',
  PAGE_BYTES,
);

export function createCannedAnswers(database: Database): CannedAnswers {
  return {
    async list({ operatorId, departmentKeys, query, lang, offset, limit }) {
      const rows = await database.query<CannedAnswer & Measured>(
        LIST,
        [operatorId, departmentKeys ?? null, fold(query), lang ?? null, offset, limit + 1],
        'list-canned-answers',
      );
      return pageOf<CannedAnswer>(rows, limit);
    },

    async find(id) {
      const rows = await database.query<CannedAnswer>(`select ${SELECT} from canned_answer where id = $1`, [id]);
      return rows[0];
    },

    async count(owner) {
      const rows = await database.query<{ count: number }>(`select count(*) from canned_answer where ${OF_OWNER}`, ownerOf(owner));
      return rows[0]?.count ?? 0;
    },

    async add(answer) {
      const rows = await unlessTaken(
        database.query<{ id: number }>(
          `insert into canned_answer (scope, operator_id, department_key, lang, shortcut, text, folded)
           values ($1, $2, $3, $4, $5, $6, $7) returning id`,
          [...ownerOf(answer), ...wordsOf(answer)],
        ),
      );
      return rows[0]?.id ?? 0;
    },

    async replace(before, after) {
      const rows = await unlessTaken(
        database.query(
          `update canned_answer set scope = $5, operator_id = $6, department_key = $7, lang = $8, shortcut = $9, text = $10, folded = $11
           where ${OF_OWNER} and id = $4 returning id`,
          [...ownerOf(before), before.id, ...ownerOf(after), ...wordsOf(after)],
        ),
      );
      return rows.length > 0;
    },

    async remove(answer) {
      const rows = await database.query(`delete from canned_answer where ${OF_OWNER} and id = $4 returning id`, [
        ...ownerOf(answer),
        answer.id,
      ]);
      return rows.length > 0;
    },
  };
}

function ownerOf({ scope, operatorId, departmentKey }: CannedOwner): unknown[] {
  return [scope, operatorId, departmentKey];
}

function wordsOf({ lang, shortcut, text }: CannedContent): unknown[] {
  return [lang, shortcut, text, fold(`${shortcut}\n${text}`)];
}

/** Capitals and how an accent was typed make no difference. */
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

async function unlessTaken<T>(written: Promise<T>): Promise<T> {
  try {
    return await written;
  } catch (cause) {
    if (sqlState(cause) !== UNIQUE_VIOLATION) throw cause;
    throw new ChatError('conflict', 'already-exists', 'there is an answer with this shortcut already', { cause });
  }
}
