/** Calls the visitor back when something was said while he did not look: a short sound, and a title that blinks while the page is hidden. */
import { isText } from './forms.ts';
import type { Memory } from './memory.ts';
import { isHidden, listen, ofDocument, setTitle, site } from './site.ts';

const BLINK_MS = 1_000;

export class Attention {
  readonly #memory: Memory;
  #audio: AudioContext | undefined;
  #blinking: ReturnType<typeof setInterval> | undefined;
  #ownTitle = '';

  constructor(memory: Memory) {
    this.#memory = memory;
    listen(site.document, 'visibilitychange', () => {
      if (!isHidden()) this.rest();
    });
  }

  /** Called while the visitor touches the widget: browsers let a page be heard only after that. */
  unlock(): void {
    if (!site.navigator.userActivation.hasBeenActive) return;
    this.#audio ??= new AudioContext();
    if (this.#audio.state === 'suspended') void this.#audio.resume().catch(() => undefined);
  }

  /** `messageId`: of several tabs one sounds. */
  ring(messageId: string): void {
    this.unlock();
    // What is played while nothing may be heard would be heard later.
    if (this.#audio?.state !== 'running' || this.#memory.site.read('rang', isText) === messageId) return;
    this.#memory.site.write('rang', messageId);
    chime(this.#audio);
  }

  /** `notice` in turn with the page's own title, until somebody looks. */
  blink(notice: string): void {
    if (!isHidden()) return;
    this.rest();
    this.#ownTitle = ofDocument('title');
    setTitle(notice);
    this.#blinking = setInterval(() => {
      setTitle(ofDocument('title') === notice ? this.#ownTitle : notice);
    }, BLINK_MS);
  }

  rest(): void {
    if (this.#blinking === undefined) return;
    clearInterval(this.#blinking);
    this.#blinking = undefined;
    setTitle(this.#ownTitle);
  }
}

/** Two soft tones, a third of a second. */
function chime(audio: AudioContext): void {
  [
    [880, 0],
    [1_175, 0.12],
  ].forEach(([frequency = 0, delay = 0]) => {
    const start = audio.currentTime + delay;
    const tone = new OscillatorNode(audio, { frequency });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.linearRampToValueAtTime(0.12, start + 0.015);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.22);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.25);
  });
}
