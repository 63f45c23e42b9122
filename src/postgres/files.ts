/** Files in the database: in pieces, so that neither side ever holds a whole one in memory. */
import { createReadStream } from 'node:fs';
import type { FileStore, FoundFile, Thumbnail } from '../ports.ts';
import type { Database } from './database.ts';

const PIECE_BYTES = 262_144;

const FIND = `select f.guid, f.visitor_id as "visitorId", f.sender, f.client_side_id as "clientSideId", f.filename,
    f.content_type as "contentType", f.client_content_type as "clientContentType", f.size,
    case when f.width is null then null else jsonb_build_object('width', f.width, 'height', f.height) end as image, m.chat_id as "chatId"
  from file f join message m on m.sender = f.sender and m.client_side_id = f.client_side_id
  where f.guid = $1 and not m.deleted`;

export function createFiles(database: Database): FileStore {
  return {
    async save(file, path, thumbnail) {
      await database.transaction('begin', async client => {
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
    async remove(guid) {
      await database.query('delete from file where guid = $1', [guid]);
    },
  };
}
