{{- /* What every pod has in common: server, migration, backup and test. */}}
{{- define "thimble.podDefaults" -}}
automountServiceAccountToken: false
# A Service named "metrics" would else set METRICS_PORT in every pod of the namespace.
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "thimble.containerDefaults" -}}
image: {{ include "thimble.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- end }}

{{- /* The pod of the Deployment and of the StatefulSet. */}}
{{- define "thimble.podTemplate" -}}
{{- $server := dict "root" . "component" "server" -}}
metadata:
  labels:
    {{- include "thimble.labels" $server | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ .Chart.Name }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "thimble.podDefaults" . | nindent 2 }}
  # The service drains by itself at a SIGTERM: there is no preStop, which would need a shell.
  terminationGracePeriodSeconds: {{ add (include "thimble.drainDelay" . | int) (int .Values.drain.timeoutSeconds) 20 }}
  {{- with include "thimble.spread" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: {{ .Chart.Name }}
      {{- include "thimble.containerDefaults" . | nindent 6 }}
      ports:
        - { name: http, containerPort: 5000 }
        - { name: metrics, containerPort: {{ int .Values.metrics.port }} }
      env:
        {{- include "thimble.serverEnv" . | nindent 8 }}
      {{- include "thimble.probes" . | nindent 6 }}
      volumeMounts:
        - { name: data, mountPath: /data }
        - { name: auth, mountPath: /secrets/auth, readOnly: true }
        {{- with include "thimble.databaseMounts" . | trim }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- if .Values.tls.existingSecret }}
        - { name: tls, mountPath: /secrets/tls, readOnly: true }
        {{- end }}
        {{- if .Values.tracing.headersSecret }}
        - { name: tracing, mountPath: /secrets/tracing, readOnly: true }
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- if and .Values.backup.enabled (not (include "thimble.isPostgres" .)) }}
    # The volume of SQLite has one pod, so this is where its backups are made.
    - name: backup
      {{- include "thimble.containerDefaults" . | nindent 6 }}
      args: [backup, --every, {{ .Values.backup.every | quote }}, --keep, {{ .Values.backup.keep | int | quote }}, /backups]
      env:
        {{- include "thimble.databaseEnv" . | nindent 8 }}
      volumeMounts:
        - { name: data, mountPath: /data }
        - { name: backups, mountPath: /backups }
    {{- end }}
  volumes:
    {{- include "thimble.secretVolume" (dict "name" "auth" "secret" .Values.auth.existingSecret "keys" (list .Values.auth.apiKeyKey .Values.auth.keysKey)) | nindent 4 }}
    {{- with include "thimble.databaseVolumes" . | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .Values.tls.existingSecret }}
    {{- include "thimble.secretVolume" (dict "name" "tls" "secret" . "keys" (list "tls.crt" "tls.key")) | nindent 4 }}
    {{- end }}
    {{- with .Values.tracing }}
    {{- if .headersSecret }}
    {{- include "thimble.secretVolume" (dict "name" "tracing" "secret" .headersSecret "keys" (list .headersKey)) | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- if and .Values.backup.enabled (not (include "thimble.isPostgres" .)) }}
    - name: backups
      persistentVolumeClaim:
        claimName: {{ include "thimble.fullname" . }}-backups
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- /* On the port of the metrics, which no client reaches. */}}
{{- define "thimble.probes" -}}
# Not /ready: it would restart instances that wait for the database.
startupProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: {{ int .Values.migrations.startSeconds }}
readinessProbe:
  httpGet: { path: /ready, port: metrics }
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{- define "thimble.spread" -}}
{{- if not (kindIs "invalid" .Values.topologySpreadConstraints) }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- else if include "thimble.isPostgres" . }}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "thimble.selectorLabels" (dict "root" $ "component" "server") | nindent 8 }}
    # Instances of the old release do not count during an update.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}
