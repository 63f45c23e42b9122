/** Sound and notifications of the system, each if the operator wants it; of several tabs only one speaks. */
import { effect, signal } from '@preact/signals';

const SOUND_KEY = 'tandem.sound';
const DESKTOP_KEY = 'tandem.desktop';
const SPEAKER_LOCK = 'tandem.speaker';

export const soundIsOn = signal(localStorage.getItem(SOUND_KEY) !== 'off');
export const desktopIsOn = signal(localStorage.getItem(DESKTOP_KEY) === 'on' && mayNotify());
/** Notifications are there on secure pages only. */
export const desktopIsPossible = 'Notification' in globalThis && globalThis.isSecureContext;

/** Resolves to whether it is on now: the browser is asked only here. */
export async function switchDesktop(on: boolean): Promise<boolean> {
  const granted = on && desktopIsPossible && (mayNotify() || (await Notification.requestPermission()) === 'granted');
  desktopIsOn.value = granted;
  localStorage.setItem(DESKTOP_KEY, granted ? 'on' : 'off');
  return granted;
}

export function switchSound(on: boolean): void {
  soundIsOn.value = on;
  localStorage.setItem(SOUND_KEY, on ? 'on' : 'off');
}

export class Notifier {
  /** Is this the tab that speaks? */
  readonly #speaks = signal(!('locks' in navigator));
  readonly #leave = new AbortController();
  readonly #dispose: () => void;
  #audio: AudioContext | undefined;

  constructor() {
    // Held until the tab goes: the next one that waits is told.
    if ('locks' in navigator) {
      const held = new Promise<void>(resolve => this.#leave.signal.addEventListener('abort', () => resolve()));
      navigator.locks
        .request(SPEAKER_LOCK, { signal: this.#leave.signal }, () => {
          this.#speaks.value = true;
          return held;
        })
        .catch(() => undefined); // left before it was its turn
    }
    this.#dispose = effect(() => {
      document.documentElement.dataset['speaks'] = String(this.#speaks.value);
    });
  }

  /** `chatId`: a later one of the same chat takes its place. */
  tell(text: string, chatId: number, onClick: () => void): void {
    if (!this.#speaks.value) return;
    if (soundIsOn.value) this.#beep();
    if (!desktopIsOn.value || !mayNotify()) return;
    try {
      const notification = new Notification('Tandem', { body: text, tag: `tandem-${chatId}` });
      notification.onclick = () => {
        window.focus();
        onClick();
        notification.close();
      };
    } catch {
      // Chrome on Android has the permission and only lets service workers use it.
    }
  }

  stop(): void {
    this.#leave.abort();
    this.#dispose();
    void this.#audio?.close();
  }

  /** Two soft notes; a file would be one more request and no better. */
  #beep(): void {
    this.#audio ??= new AudioContext();
    const audio = this.#audio;
    if (audio.state !== 'running') {
      void audio.resume(); // for the next time, when the page has been touched by then
      if (!navigator.userActivation.hasBeenActive) return;
    }
    const volume = audio.createGain();
    volume.connect(audio.destination);
    volume.gain.setValueAtTime(0.08, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.4);
    for (const [pitch, at] of [
      [660, 0],
      [880, 0.12],
    ] as const) {
      const note = audio.createOscillator();
      note.frequency.value = pitch;
      note.connect(volume);
      note.start(audio.currentTime + at);
      note.stop(audio.currentTime + at + 0.28);
    }
  }
}

function mayNotify(): boolean {
  return 'Notification' in globalThis && Notification.permission === 'granted';
}
