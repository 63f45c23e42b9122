/** The sorts of files that visitors and operators may send: how each calls itself, and how its content is recognised. */

export interface FileType {
  readonly contentType: string;
  /** What the content must be, by its first bytes; `text`: nothing that is known, and no NUL. */
  readonly content: readonly string[] | 'text';
}

const image = (name: string, content: string): FileType => ({ contentType: `image/${name}`, content: [content] });
const office = (name: string, content: string): FileType => ({
  contentType: `application/vnd.openxmlformats-officedocument.${name}`,
  content: [content, 'zip'],
});

/** By extension. */
export const FILE_TYPES: Readonly<Record<string, FileType>> = {
  jpg: image('jpeg', 'jpg'),
  jpeg: image('jpeg', 'jpg'),
  png: image('png', 'png'),
  gif: image('gif', 'gif'),
  webp: image('webp', 'webp'),
  heic: image('heic', 'heic'),
  pdf: { contentType: 'application/pdf', content: ['pdf'] },
  doc: { contentType: 'application/msword', content: ['cfb'] },
  xls: { contentType: 'application/vnd.ms-excel', content: ['cfb'] },
  ppt: { contentType: 'application/vnd.ms-powerpoint', content: ['cfb'] },
  docx: office('wordprocessingml.document', 'docx'),
  xlsx: office('spreadsheetml.sheet', 'xlsx'),
  pptx: office('presentationml.presentation', 'pptx'),
  odt: { contentType: 'application/vnd.oasis.opendocument.text', content: ['odt'] },
  ods: { contentType: 'application/vnd.oasis.opendocument.spreadsheet', content: ['ods'] },
  rtf: { contentType: 'application/rtf', content: ['rtf'] },
  txt: { contentType: 'text/plain; charset=utf-8', content: 'text' },
  csv: { contentType: 'text/csv; charset=utf-8', content: 'text' },
  log: { contentType: 'text/plain; charset=utf-8', content: 'text' },
  zip: { contentType: 'application/zip', content: ['zip'] },
  mp3: { contentType: 'audio/mpeg', content: ['mp3'] },
  m4a: { contentType: 'audio/mp4', content: ['m4a', 'mp4'] },
  ogg: { contentType: 'audio/ogg', content: ['ogg', 'opus', 'oga'] },
  wav: { contentType: 'audio/wav', content: ['wav'] },
  amr: { contentType: 'audio/amr', content: ['amr'] },
  mp4: { contentType: 'video/mp4', content: ['mp4', 'm4v', 'mov', '3gp'] },
  mov: { contentType: 'video/quicktime', content: ['mov', 'mp4'] },
  webm: { contentType: 'video/webm', content: ['webm', 'mkv'] },
};
