// telemetry.ts: one log (pino, JSON on stderr), Prometheus metrics from Temporal's core, and OpenTelemetry traces when an
// endpoint is set. Installed once per process, before the first connection.
import { Resource } from '@opentelemetry/resources';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';
import { type LogLevel, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { type Logger, pino } from 'pino';

/** A log that never holds secrets: the paths below are cut out wherever they appear. */
export function createLog(level: string, name: string): Logger {
  return pino(
    {
      name,
      level,
      redact: { paths: ['*.apikey', '*.apiKey', '*.authorization', '*.password', '*.token', 'headers.authorization'], censor: '[secret]' },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** Routes the SDK's and the core's log lines to pino and serves metrics at `metricsAddress` ("127.0.0.1:9464"). */
export function installRuntime(log: Logger, metricsAddress: string | undefined): void {
  const write = (level: LogLevel, message: string, meta?: Record<string, unknown>) => log[pinoLevel[level]]({ ...meta }, message);
  Runtime.install({
    logger: {
      log: write,
      trace: (message, meta) => write('TRACE', message, meta),
      debug: (message, meta) => write('DEBUG', message, meta),
      info: (message, meta) => write('INFO', message, meta),
      warn: (message, meta) => write('WARN', message, meta),
      error: (message, meta) => write('ERROR', message, meta),
    },
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
      ...(metricsAddress ? { metrics: { prometheus: { bindAddress: metricsAddress } } } : {}),
    },
    // Shutdown is ours: SIGTERM ends polling, lets activities finish, and only then the process.
    shutdownSignals: [],
  });
}

const pinoLevel = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** The tracing plugin, or none without an endpoint (OTEL_EXPORTER_OTLP_ENDPOINT). */
export function tracing(endpoint: string | undefined, service: string): OpenTelemetryPlugin[] {
  if (!endpoint) return [];
  return [
    new OpenTelemetryPlugin({
      resource: new Resource({ 'service.name': service }),
      spanProcessor: new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })),
    }),
  ];
}
