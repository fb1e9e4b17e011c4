// bundle.ts: the workflow code as one file, built once per version of the source and read by every worker after that.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

/** Beside the workflows, the sandbox holds how payloads and failures are read and written there. */
const converters = { payloadConverterPath: 'formats/unreadable-payloads.cjs', failureConverterPath: 'formats/encrypted-failures.cjs' };

const root = fileURLToPath(new URL('..', import.meta.url));

/** SHA-256 over the workflow code, the domain code it may use, the converters and the SDK's version. */
export function workflowCodeVersion(): string {
  const hash = createHash('sha256');
  const read = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) read(path);
      else if (entry.name.endsWith('.ts')) hash.update(path).update(readFileSync(join(root, path)));
    }
  };
  read('workflows');
  read('domain');
  for (const path of Object.values(converters)) hash.update(path).update(readFileSync(join(root, path)));
  hash.update(readFileSync(join(root, 'node_modules/@temporalio/worker/package.json')));
  return hash.digest('hex').slice(0, 16);
}

/** Path of the bundle; builds it when this version of the source has none yet. Needs to be able to write to `folder`. */
export async function workflowBundle(folder: string): Promise<string> {
  const path = join(folder, `workflows-${workflowCodeVersion()}.js`);
  if (existsSync(path)) return path;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows/index.ts'),
    payloadConverterPath: join(root, converters.payloadConverterPath),
    failureConverterPath: join(root, converters.failureConverterPath),
    workflowInterceptorModules: [],
  } as Parameters<typeof bundleWorkflowCode>[0]);
  mkdirSync(folder, { recursive: true });
  // Two workers may build at once: each writes its own file, the rename is atomic.
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, code);
  renameSync(draft, path);
  return path;
}
