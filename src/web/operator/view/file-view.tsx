/** A file that was sent: a picture as its thumbnail, anything else by its name and size; a click downloads it. */
import { useSignal } from '@preact/signals';
import { Download, FileText } from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { downloadUrl, type SentFile } from '../summary.ts';
import { fill, sizeOf, words } from '../words.ts';

/** As the server makes them. */
const THUMBNAIL_PX = 400;
const SHOWN_PX = 280;

export function FileView({ file }: { readonly file: SentFile }) {
  const isBroken = useSignal(false);
  const url = downloadUrl(file);
  const label = fill(words.download, { name: file.filename });
  if (file.image !== null && !isBroken.value) {
    const { width, height } = file.image.size;
    const scale = Math.min(1, SHOWN_PX / Math.max(width, height), THUMBNAIL_PX / Math.max(width, height));
    return (
      <a class="picture" href={url} download={file.filename} aria-label={label} title={label}>
        <img
          src={`${url}?thumb=1`}
          alt={file.filename}
          width={Math.max(1, Math.round(width * scale))}
          height={Math.max(1, Math.round(height * scale))}
          onError={() => (isBroken.value = true)}
        />
      </a>
    );
  }
  return (
    <a class="file" href={url} download={file.filename} aria-label={label}>
      <Icon of={FileText} size="1.5rem" />
      <span>
        <b>{file.filename}</b>
        <span class="small">{sizeOf(file.size)}</span>
      </span>
      <Icon of={Download} />
    </a>
  );
}
