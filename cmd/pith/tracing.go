package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"pith/cmd/pith/cli"
	"pith/configs"
)

// flushTime bounds what a collector may add to the end of the process.
const flushTime = 2 * time.Second

// startTracing returns the tracer that cfg or the standard OTEL variables ask for, or nil where
// none does. Spans leave in batches; a collector that is slow or gone costs spans and never a
// request. stop sends what is left, for flushTime at most.
func startTracing(ctx context.Context, cfg configs.Tracing, log *slog.Logger) (
	tracer trace.Tracer, stop func(), err error,
) {
	var options []otlptracehttp.Option
	switch {
	case cfg.Endpoint != "":
		target, err := url.Parse(cfg.Endpoint)
		if err != nil {
			return nil, nil, cli.Usagef("tracing.endpoint: %w", err)
		}
		if strings.Trim(target.Path, "/") == "" { // what the variable of the same meaning does
			target = target.JoinPath("v1", "traces")
		}
		options = append(options, otlptracehttp.WithEndpointURL(target.String()))
	case os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "":
		return nil, func() {}, nil
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("tracing: %w", err)
	}
	described, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "pith")),
		resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithHost())
	if err != nil {
		return nil, nil, fmt.Errorf("tracing: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("tracing", "err", err) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described))
	return provider.Tracer("pith"), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			log.Warn("tracing", "err", err)
		}
	}, nil
}
