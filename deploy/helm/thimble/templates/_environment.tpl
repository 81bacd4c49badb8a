{{- define "thimble.databaseEnv" -}}
- name: DATA_DIR
  value: /data
{{- if include "thimble.isPostgres" . }}
{{- with .Values.database }}
{{- if .url }}
- name: DATABASE_URL
  value: {{ .url | quote }}
{{- else }}
- name: DATABASE_URL_FILE
  value: /secrets/database/{{ .urlKey }}
{{- end }}
{{- if .passwordSecret }}
- name: DATABASE_PASSWORD_FILE
  value: /secrets/database-password/{{ .passwordKey }}
{{- end }}
{{- if .caSecret }}
- name: DATABASE_CA_FILE
  value: /secrets/database-ca/ca.crt
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "thimble.serverEnv" -}}
- name: ENVIRONMENT
  value: {{ .Values.environment | quote }}
- name: HOST
  value: {{ .Values.host | quote }}
- name: PORT
  value: "5000"
- name: METRICS_PORT
  value: {{ .Values.metrics.port | int | quote }}
{{- with .Values.auth.apiKeyKey }}
- name: API_KEY_FILE
  value: /secrets/auth/{{ . }}
{{- end }}
{{- with .Values.auth.keysKey }}
- name: API_KEYS_FILE
  value: /secrets/auth/{{ . }}
{{- end }}
{{ include "thimble.databaseEnv" . }}
{{- if include "thimble.isPostgres" . }}
- name: DATABASE_POOL_SIZE
  value: {{ .Values.database.poolSize | int | quote }}
# The database counts until it has answered once. After that, one that is away does not take every instance
# out of the Service: what needs no database is answered.
- name: READY_WITHOUT_DATABASE
  value: "true"
{{- end }}
- name: DRAIN_DELAY_SECONDS
  value: {{ include "thimble.drainDelay" . | quote }}
- name: DRAIN_TIMEOUT_SECONDS
  value: {{ .Values.drain.timeoutSeconds | int | quote }}
- name: IDLE_TIMEOUT_SECONDS
  value: {{ .Values.idleTimeoutSeconds | int | quote }}
- name: TRUST_PROXY
  value: {{ include "thimble.trustProxy" . | quote }}
{{- with .Values.rateLimit.limit }}
- name: RATE_LIMIT
  value: {{ . | quote }}
{{- end }}
{{- if eq .Values.rateLimit.store "database" }}
- name: RATE_LIMIT_STORE
  value: database
{{- end }}
{{- with .Values.authFailureLimit }}
- name: AUTH_FAILURE_LIMIT
  value: {{ . | quote }}
{{- end }}
{{- if .Values.tls.existingSecret }}
- name: TLS_CERT_FILE
  value: /secrets/tls/tls.crt
- name: TLS_KEY_FILE
  value: /secrets/tls/tls.key
{{- end }}
{{- if .Values.tracing.endpoint }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .Values.tracing.endpoint | quote }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE)
{{- if .Values.tracing.headersSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS_FILE
  value: /secrets/tracing/{{ .Values.tracing.headersKey }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.env }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Secrets are mounted as folders: a file that is mounted by itself (subPath) never changes. */}}
{{- define "thimble.databaseMounts" -}}
{{- if include "thimble.isPostgres" . }}
{{- with .Values.database }}
{{- if not .url }}
- { name: database, mountPath: /secrets/database, readOnly: true }
{{- end }}
{{- if .passwordSecret }}
- { name: database-password, mountPath: /secrets/database-password, readOnly: true }
{{- end }}
{{- if .caSecret }}
- { name: database-ca, mountPath: /secrets/database-ca, readOnly: true }
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "thimble.databaseVolumes" -}}
{{- if include "thimble.isPostgres" . }}
{{- with .Values.database }}
{{- if not .url }}
{{ include "thimble.secretVolume" (dict "name" "database" "secret" .existingSecret "keys" (list .urlKey)) }}
{{- end }}
{{- if .passwordSecret }}
{{ include "thimble.secretVolume" (dict "name" "database-password" "secret" .passwordSecret "keys" (list .passwordKey)) }}
{{- end }}
{{- if .caSecret }}
{{ include "thimble.secretVolume" (dict "name" "database-ca" "secret" .caSecret "keys" (list "ca.crt")) }}
{{- end }}
{{- end }}
# The image declares a volume there; without this, every pod would leave one on its node.
- name: data
  emptyDir:
    sizeLimit: 64Mi
{{- end }}
{{- end }}

{{- /* The pod has one user, so the files may be for all: not every kind of storage honours fsGroup. */}}
{{- define "thimble.secretVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: {{ 0444 }}
    items:
      {{- range compact .keys }}
      - { key: {{ . }}, path: {{ . }} }
      {{- end }}
{{- end }}
