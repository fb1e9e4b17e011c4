// main.ts: the API process of a real installation.
import { wallClock } from '../../store/wall-clock.ts';
import { readSettings } from '../../store/settings.ts';
import { codecRoutes } from './codec.ts';
import { runApi } from './run-api.ts';

const { DUNLIN_CODEC_KEYS, TEMPORAL_UI_URL } = readSettings();
await runApi(wallClock, DUNLIN_CODEC_KEYS ? [codecRoutes(DUNLIN_CODEC_KEYS, TEMPORAL_UI_URL)] : []);
