/** A picture as large as the window, until somebody clicks. */
import { Download, X } from 'lucide';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import type { FileDescription } from '../wire.ts';
import { useStore } from './context.ts';
import { useLink } from './use-link.ts';

export function PictureDialog({ file, onClose }: { readonly file: FileDescription; readonly onClose: () => void }) {
  const { words } = useStore();
  const link = useLink(file, false);
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="large-picture" aria-label={file.filename} onClose={onClose} onClick={event => event.currentTarget.close()}>
      {link !== undefined && <img src={link} alt={file.filename} />}
      <div class="large-picture-buttons">
        <a
          class="icon-button"
          href={link ?? '#'}
          download={file.filename}
          aria-label={words.download(file.filename)}
          onClick={event => event.stopPropagation()}
        >
          <Icon of={Download} />
        </a>
        <button type="button" class="icon-button" aria-label={words.closePicture}>
          <Icon of={X} />
        </button>
      </div>
    </dialog>
  );
}
