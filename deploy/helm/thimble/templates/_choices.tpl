{{- /* What the chart chooses where a value is null. */}}

{{- define "thimble.isPostgres" -}}
{{ if eq .Values.database.kind "postgresql" }}true{{ end }}
{{- end }}

{{- /* "value" if there is one, else the choice for the kind of database. A 0 is a value. */}}
{{- define "thimble.chosen" -}}
{{- if not (kindIs "invalid" .value) }}{{ int .value }}
{{- else if include "thimble.isPostgres" .root }}{{ .postgres }}
{{- else }}{{ .sqlite }}
{{- end }}
{{- end }}

{{- define "thimble.replicas" -}}
{{ include "thimble.chosen" (dict "root" . "value" .Values.replicaCount "postgres" 2 "sqlite" 1) }}
{{- end }}

{{- define "thimble.minReplicas" -}}
{{ if .Values.autoscaling.enabled }}{{ int .Values.autoscaling.minReplicas }}{{ else }}{{ include "thimble.replicas" . }}{{ end }}
{{- end }}

{{- define "thimble.maxReplicas" -}}
{{ if .Values.autoscaling.enabled }}{{ int .Values.autoscaling.maxReplicas }}{{ else }}{{ include "thimble.replicas" . }}{{ end }}
{{- end }}

{{- /* With SQLite no other instance takes over meanwhile: a delay would only lengthen the gap. */}}
{{- define "thimble.drainDelay" -}}
{{ include "thimble.chosen" (dict "root" . "value" .Values.drain.delaySeconds "postgres" 5 "sqlite" 0) }}
{{- end }}

{{- define "thimble.trustProxy" -}}
{{- if not (kindIs "invalid" .Values.trustProxy) }}{{ .Values.trustProxy }}
{{- else if or .Values.ingress.enabled .Values.httpRoute.enabled }}1
{{- else }}0
{{- end }}
{{- end }}

{{- /* With the instances that an update adds, one connection of each for /ready, and one for each of two Jobs. */}}
{{- define "thimble.mostConnections" -}}
{{ add (mul (add (include "thimble.maxReplicas" . | int) (int .Values.rollout.maxSurge)) (add 1 (int .Values.database.poolSize))) 2 }}
{{- end }}
