{{- define "pith.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "pith.selector" -}}
app.kubernetes.io/name: pith
app.kubernetes.io/instance: {{ include "pith.name" . }}
{{- end -}}

{{- define "pith.labels" -}}
{{ include "pith.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* The configuration file: the user's sections, with what the chart decides put over them. */}}
{{- define "pith.config" -}}
{{- $server := dict "listen" "0.0.0.0:8484" "drain_notice" (printf "%ds" (int .Values.drain.noticeSeconds)) "drain_timeout" (printf "%ds" (int .Values.drain.timeoutSeconds)) -}}
{{- $own := dict "server" $server "log" (dict "format" "json") -}}
{{- if .Values.metrics.enabled -}}
{{- $_ := set $own "admin" (dict "listen" (printf "0.0.0.0:%d" (int .Values.metrics.port))) -}}
{{- end -}}
{{- if ne .Values.scorer.mode "embedded" -}}
{{- $url := ternary (printf "http://127.0.0.1:%d" (int .Values.scorer.sidecar.port)) .Values.scorer.url (eq .Values.scorer.mode "sidecar") -}}
{{- $_ := set $own "scorer" (dict "url" $url "protocol" .Values.scorer.protocol "model" .Values.scorer.model "timeout" .Values.scorer.timeout "requests" (int .Values.scorer.requests)) -}}
{{- end -}}
{{- mustMergeOverwrite (deepCopy .Values.config) $own | toYaml -}}
{{- end -}}

{{/* What does not fit together is said here and not by a pod that does not start. */}}
{{- define "pith.check" -}}
{{- if not (has .Values.redis.mode (list "none" "secret" "bundled")) }}{{ fail "redis.mode: want none, secret or bundled" }}{{ end -}}
{{- if not (has .Values.scorer.mode (list "embedded" "remote" "sidecar")) }}{{ fail "scorer.mode: want embedded, remote or sidecar" }}{{ end -}}
{{- if and (ne .Values.redis.mode "none") (not .Values.secrets.name) }}{{ fail "redis.mode: needs secrets.name, with the key of secrets.cacheSecret: replicas share one secret" }}{{ end -}}
{{- if and .Values.metrics.enabled (not .Values.secrets.name) }}{{ fail "metrics.enabled: needs secrets.name, with the key of secrets.adminToken" }}{{ end -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.metrics.enabled) }}{{ fail "serviceMonitor.enabled: needs metrics.enabled" }}{{ end -}}
{{- if and (eq .Values.scorer.mode "remote") (not .Values.scorer.url) }}{{ fail "scorer.mode remote: needs scorer.url" }}{{ end -}}
{{- if and (eq .Values.scorer.mode "sidecar") (not .Values.scorer.sidecar.image) }}{{ fail "scorer.mode sidecar: needs scorer.sidecar.image" }}{{ end -}}
{{- if and .Values.autoscaling.enabled (not (or .Values.autoscaling.cpuPercent .Values.autoscaling.runsQueued)) }}{{ fail "autoscaling: needs cpuPercent or runsQueued" }}{{ end -}}
{{- end -}}

{{- define "pith.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "pith.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "pith.secretEnv" -}}
- name: {{ .env }}
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.secrets.name }}
      key: {{ .key }}
{{- end -}}
