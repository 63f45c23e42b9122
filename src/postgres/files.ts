/** Files in the database: in pieces, so that neither side ever holds a whole one in memory. */
import { createReadStream } from 'node:fs';
import type { StoredFile } from '../domain/file.ts';
import type { FileStore, FoundFile, Thumbnail } from '../ports/index.ts';
import type { Database } from './database.ts';
import { BEGIN } from './session.ts';

const PIECE_BYTES = 262_144;

const COLUMNS = `f.guid, f.visitor_id as "visitorId", f.sender, f.client_side_id as "clientSideId", f.filename,
    f.content_type as "contentType", f.client_content_type as "clientContentType", f.size,
    case when f.width is null then null else jsonb_build_object('width', f.width, 'height', f.height) end as image`;
const FIND = `select ${COLUMNS}, m.chat_id as "chatId", m.kind
  from file f join message m on m.sender = f.sender and m.client_side_id = f.client_side_id
  where f.guid = $1 and not m.deleted`;

const IS_SENT = 'exists (select from message m where m.sender = f.sender and m.client_side_id = f.client_side_id)';

export function createFiles(database: Database): FileStore {
  return {
    async save(file, path, thumbnail) {
      await database.transaction(BEGIN, async client => {
        const { rowCount } = await client.query(
          `insert into file (guid, visitor_id, sender, client_side_id, filename, content_type, client_content_type, size, width, height,
             thumbnail_type, thumbnail)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
          [
            file.guid,
            file.visitorId,
            file.sender,
            file.clientSideId,
            file.filename,
            file.contentType,
            file.clientContentType,
            file.size,
            file.image?.width ?? null,
            file.image?.height ?? null,
            thumbnail?.contentType ?? null,
            thumbnail?.content ?? null,
          ],
        );
        if (rowCount === 0) return;
        let number = 0;
        for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES }))
          await client.query('insert into file_piece (guid, number, content) values ($1, $2, $3)', [file.guid, number++, piece]);
      });
    },
    async find(guid) {
      const rows = await database.query<FoundFile>(FIND, [guid], 'find-file');
      return rows[0];
    },
    findUnsent: (sender, clientSideId, guids) =>
      database.query<StoredFile>(
        `select ${COLUMNS} from unnest($3::text[]) with ordinality w(guid, place) join file f on f.guid = w.guid
         where f.sender = $1 and (f.client_side_id = $2 or not ${IS_SENT}) order by w.place`,
        [sender, clientSideId, guids],
      ),
    async attach(sender, clientSideId, guids) {
      await database.query(`update file f set client_side_id = $2 where f.guid = any($3::text[]) and f.sender = $1 and not ${IS_SENT}`, [
        sender,
        clientSideId,
        guids,
      ]);
    },
    async *read(guid) {
      for (let number = 0; ; number++) {
        const rows = await database.query<{ content: Buffer }>(
          'select content from file_piece where guid = $1 and number = $2',
          [guid, number],
          'read-file',
        );
        if (rows[0] === undefined) return;
        yield rows[0].content;
      }
    },
    async readThumbnail(guid) {
      const rows = await database.query<Thumbnail>(
        'select thumbnail_type as "contentType", thumbnail as content from file where guid = $1 and thumbnail is not null',
        [guid],
      );
      return rows[0];
    },
    async removeUnsent(guid) {
      const removed = await database.query(`delete from file f where f.guid = $1 and not ${IS_SENT} returning f.guid`, [guid]);
      return removed.length > 0;
    },
  };
}
