// api.ts: the API under the compressed clock, with the codec the Temporal UI decodes payloads by.
import { codecRoutes } from '../../client/api/codec.ts';
import { runApi } from '../../client/api/run-api.ts';
import { readSettings } from '../../store/settings.ts';
import { clockOf } from '../clock.ts';

const { DUNLIN_CODEC_KEYS, TEMPORAL_UI_URL } = readSettings();
await runApi(clockOf(process.env), DUNLIN_CODEC_KEYS ? [codecRoutes(DUNLIN_CODEC_KEYS, TEMPORAL_UI_URL)] : []);
