{{- define "thimble.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The name of what the release makes. It leaves room for the endings of Jobs and their pods. */}}
{{- define "thimble.fullname" -}}
{{- $name := include "thimble.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* What selects the pods of a component: server, migration, backup or test. These never change. */}}
{{- define "thimble.selectorLabels" -}}
app.kubernetes.io/name: {{ include "thimble.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "thimble.labels" -}}
{{- $version := default .root.Chart.AppVersion .root.Values.image.tag | toString | trunc 63 | trimAll "-_." -}}
{{ include "thimble.selectorLabels" . }}
app.kubernetes.io/version: {{ $version | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "thimble.image" -}}
{{- with .Values.image -}}
{{- with .registry }}{{ . }}/{{ end }}{{ .repository -}}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ default (printf "%s-standard" $.Chart.AppVersion) .tag }}{{ end -}}
{{- end -}}
{{- end }}
