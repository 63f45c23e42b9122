/** The files of a message: pictures are shown and open large, others are downloaded. */
import { Download } from 'lucide';
import { useState } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { type FileDescription, filesOf, type Message } from '../wire.ts';
import { useStore } from './context.ts';
import { PictureDialog } from './picture-dialog.tsx';
import { useLink } from './use-link.ts';

/** As the server makes them. */
const THUMBNAIL_PIXELS = 400;
const SHOWN_PIXELS = 240;

export function Files({ message }: { readonly message: Message }) {
  return (
    <>
      {filesOf(message).map(file =>
        file.image === null ? <FileLink key={file.guid} file={file} /> : <Picture key={file.guid} file={file} />,
      )}
    </>
  );
}

function Picture({ file }: { readonly file: FileDescription }) {
  const { words } = useStore();
  const thumbnail = useLink(file, true);
  const [isLarge, setLarge] = useState(false);
  const [isBroken, setBroken] = useState(false);
  if (isBroken) return <FileLink file={file} />;
  const { width, height } = shownSize(file);
  return (
    <>
      <button
        type="button"
        class="picture"
        aria-label={words.enlarge(file.filename)}
        onClick={() => setLarge(true)}
        style={{ width, height }}
      >
        {thumbnail !== undefined && <img src={thumbnail} alt="" width={width} height={height} onError={() => setBroken(true)} />}
      </button>
      {isLarge && <PictureDialog file={file} onClose={() => setLarge(false)} />}
    </>
  );
}

function FileLink({ file }: { readonly file: FileDescription }) {
  const { words, options } = useStore();
  const link = useLink(file, false);
  return (
    <a class="file" href={link ?? '#'} download={file.filename} target="_blank" rel="noopener" aria-label={words.download(file.filename)}>
      <Icon of={Download} size="24px" />
      <span>
        <span class="file-name">{file.filename}</span>
        <small>{sizeText(file.size, options.language)}</small>
      </span>
    </a>
  );
}

/** Known before the picture is there, so that nothing moves when it comes. */
function shownSize({ image }: FileDescription): { width: number; height: number } {
  const { width, height } = image?.size ?? { width: THUMBNAIL_PIXELS, height: THUMBNAIL_PIXELS };
  const scale = Math.min(1, SHOWN_PIXELS / Math.max(width, height));
  return { width: Math.max(48, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) };
}

function sizeText(bytes: number, language: string): string {
  const [amount, unit] =
    bytes < 1_000 ? [bytes, 'byte'] : bytes < 1_000_000 ? [bytes / 1_000, 'kilobyte'] : [bytes / 1_000_000, 'megabyte'];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: amount < 10 ? 1 : 0 }).format(
    amount,
  );
}
