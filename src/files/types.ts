/** The sorts of files that visitors and operators may send: how each calls itself, and how its content is recognised. */

export interface FileType {
  readonly contentType: string;
  /** What the content must be, as file-type calls it; `text`: what can be read as one, however it begins. */
  readonly content: readonly string[] | 'text';
}

const image = (name: string, content: string): FileType => ({ contentType: `image/${name}`, content: [content] });
/** With a password on it the same is a compound file. */
const office = (name: string, content: string): FileType => ({
  contentType: `application/vnd.openxmlformats-officedocument.${name}`,
  content: [content, 'zip', 'cfb'],
});
/** Brands of one container: who made the file chose one, and says little by it. */
const MPEG4 = ['mp4', 'm4a', 'm4b', 'm4p', 'm4v', 'f4a', 'f4b', 'f4p', 'f4v', 'mov', '3gp', '3g2'];
const OGG = ['ogg', 'oga', 'ogm', 'ogv', 'ogx', 'opus', 'spx'];
const HEIF = ['heic', 'heif', 'avif'];

/** By extension. */
export const FILE_TYPES: Readonly<Record<string, FileType>> = {
  jpg: image('jpeg', 'jpg'),
  jpeg: image('jpeg', 'jpg'),
  jfif: image('jpeg', 'jpg'),
  png: image('png', 'png'),
  gif: image('gif', 'gif'),
  webp: image('webp', 'webp'),
  heic: { contentType: 'image/heic', content: HEIF },
  heif: { contentType: 'image/heif', content: HEIF },
  pdf: { contentType: 'application/pdf', content: ['pdf'] },
  doc: { contentType: 'application/msword', content: ['cfb'] },
  xls: { contentType: 'application/vnd.ms-excel', content: ['cfb'] },
  ppt: { contentType: 'application/vnd.ms-powerpoint', content: ['cfb'] },
  docx: office('wordprocessingml.document', 'docx'),
  xlsx: office('spreadsheetml.sheet', 'xlsx'),
  pptx: office('presentationml.presentation', 'pptx'),
  odt: { contentType: 'application/vnd.oasis.opendocument.text', content: ['odt', 'zip'] },
  ods: { contentType: 'application/vnd.oasis.opendocument.spreadsheet', content: ['ods', 'zip'] },
  rtf: { contentType: 'application/rtf', content: ['rtf'] },
  txt: { contentType: 'text/plain; charset=utf-8', content: 'text' },
  csv: { contentType: 'text/csv; charset=utf-8', content: 'text' },
  log: { contentType: 'text/plain; charset=utf-8', content: 'text' },
  zip: { contentType: 'application/zip', content: ['zip'] },
  mp3: { contentType: 'audio/mpeg', content: ['mp3'] },
  m4a: { contentType: 'audio/mp4', content: MPEG4 },
  ogg: { contentType: 'audio/ogg', content: OGG },
  oga: { contentType: 'audio/ogg', content: OGG },
  opus: { contentType: 'audio/ogg', content: OGG },
  wav: { contentType: 'audio/wav', content: ['wav'] },
  amr: { contentType: 'audio/amr', content: ['amr'] },
  mp4: { contentType: 'video/mp4', content: MPEG4 },
  mov: { contentType: 'video/quicktime', content: MPEG4 },
  webm: { contentType: 'video/webm', content: ['webm', 'mkv'] },
};
