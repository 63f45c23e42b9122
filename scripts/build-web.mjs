// Builds src/web to dist/web: the pages with hashed assets, and widget.js, one file that any site embeds. Each text also
// compressed, so that a node compresses nothing while it serves.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

const PAGES = ['index.html', 'demo/visitor.html', 'operator.html', 'cluster.html'];
/** Know light-dark() themselves: what it is made into for older ones does not follow a `color-scheme` that is set by script. */
const LIGHT_DARK = ['chrome123', 'firefox120', 'safari17.5'];
/** What a visitor's browser must load before anything is seen. */
const WIDGET_LIMIT_BYTES = 40_960;

export async function buildWeb(root) {
  const source = path.join(root, 'src/web');
  const outDir = path.join(root, 'dist/web');
  /** @type {import('vite').InlineConfig} */
  const common = {
    root: source,
    base: './', // under whatever path it is served
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  };
  await build({
    ...common,
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      cssTarget: LIGHT_DARK,
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0, // data: addresses are against our Content-Security-Policy
      rolldownOptions: { input: PAGES.map(page => path.join(source, page)) },
    },
  });
  const script = async entry => {
    const built = await build({
      ...common,
      build: {
        write: false,
        target: 'es2022',
        cssTarget: LIGHT_DARK,
        lib: { entry: path.join(source, entry), formats: ['iife'], name: 'tandem', fileName: () => 'widget.js' },
      },
    });
    const [{ output }] = /** @type {import('vite').Rolldown.RolldownOutput[]} */ (built);
    return output[0].code;
  };
  // The widget is a function that embed.ts calls, so that none of it runs where it is not wanted.
  const [widget, embed] = [await script('widget/main.tsx'), await script('widget/embed.ts')];
  writeFileSync(path.join(outDir, 'widget.js'), `(function(){function tandemWidget(){${widget}}${embed}})();`);
  const bytes = compress(outDir);
  if (bytes > WIDGET_LIMIT_BYTES) throw new Error(`widget.js is ${bytes} bytes compressed, more than ${WIDGET_LIMIT_BYTES}`);
  return bytes;
}

/** Returns the size of widget.js under gzip. */
function compress(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(js|css|html|svg)$/.test(name)) continue;
    const file = path.join(folder, name);
    const content = readFileSync(file);
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
    writeFileSync(`${file}.br`, brotliCompressSync(content));
  }
  return readFileSync(path.join(folder, 'widget.js.gz')).length;
}
