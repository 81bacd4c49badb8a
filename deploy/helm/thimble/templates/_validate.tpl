{{- /* Refuses values that cannot work together, all of them at once. What one value can be is in values.schema.json. */}}
{{- define "thimble.validate" -}}
{{- $problems := concat
  (include "thimble.problemsOfKeys" . | fromJsonArray)
  (include "thimble.problemsOfDatabase" . | fromJsonArray)
  (include "thimble.problemsOfInstances" . | fromJsonArray)
  (include "thimble.problemsOfNetwork" . | fromJsonArray)
  (include "thimble.problemsOfEnv" . | fromJsonArray) -}}
{{- if $problems }}
{{- fail (printf "\n\nthese values cannot work:\n\n- %s\n" (join "\n- " $problems)) }}
{{- end }}
{{- end }}

{{- define "thimble.problemsOfKeys" -}}
{{- $found := list -}}
{{- if contains "OWNER" .Values.image.repository -}}
{{- $found = append $found (printf "image.repository is %s, which is a placeholder: name the repository that your workflow publishes to" .Values.image.repository) -}}
{{- end -}}
{{- if not .Values.auth.existingSecret -}}
{{- $found = append $found (printf "auth.existingSecret is empty: make a Secret with the key of the API and name it here, such as kubectl create secret generic %s-auth --from-literal=api-key=\"$(openssl rand -hex 32)\"" .Release.Name) -}}
{{- end -}}
{{- if not (or .Values.auth.apiKeyKey .Values.auth.keysKey) -}}
{{- $found = append $found "auth.apiKeyKey and auth.keysKey are both empty: one of them must name a key of the Secret auth.existingSecret" -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{- define "thimble.problemsOfDatabase" -}}
{{- $found := list -}}
{{- with .Values.database -}}
{{- if eq .kind "sqlite" -}}
{{- if or .url .existingSecret .passwordSecret .caSecret -}}
{{- $found = append $found "database.kind is sqlite, and url, existingSecret, passwordSecret and caSecret are for PostgreSQL: set database.kind to postgresql, or leave them out" -}}
{{- end -}}
{{- if eq $.Values.migrations.mode "job" -}}
{{- $found = append $found "migrations.mode is job, and SQLite's volume has one pod at a time: use start" -}}
{{- end -}}
{{- if eq $.Values.rateLimit.store "database" -}}
{{- $found = append $found "rateLimit.store is database, which needs PostgreSQL: with SQLite there is one instance, so use memory" -}}
{{- end -}}
{{- else -}}
{{- if and (eq $.Values.rateLimit.store "database") (or (hasSuffix "/second" $.Values.rateLimit.limit) (hasSuffix "/second" $.Values.authFailureLimit)) -}}
{{- $found = append $found "rateLimit.store is database with a limit per second: instances need a second to learn each other's counts, so use a limit per minute or hour" -}}
{{- end -}}
{{- if not (or .url .existingSecret) -}}
{{- $found = append $found "database.kind is postgresql without an address: set database.url, or database.existingSecret to a Secret with the URL" -}}
{{- end -}}
{{- if and .url .existingSecret -}}
{{- $found = append $found "database.url and database.existingSecret both name the database: leave one of them out" -}}
{{- end -}}
{{- if regexMatch "^[a-z]+://[^/@]*:[^/@]*@" .url -}}
{{- $found = append $found "database.url has a password, which everybody sees who can read the release: put it into a Secret, and name that in database.passwordSecret" -}}
{{- end -}}
{{- $most := include "thimble.mostConnections" $ | int -}}
{{- $free := sub (int .maxConnections) 3 | int -}}
{{- if and (gt (int .maxConnections) 0) (gt $most $free) -}}
{{- $found = append $found (printf "(%s instances + %d more during an update) x (database.poolSize %d + 1 for /ready) + 2 for jobs = %d connections, and database.maxConnections %d leaves %d: lower the pool or the instances, or raise max_connections" (include "thimble.maxReplicas" $) (int $.Values.rollout.maxSurge) (int .poolSize) $most (int .maxConnections) $free) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{- define "thimble.problemsOfInstances" -}}
{{- $found := list -}}
{{- if not (include "thimble.isPostgres" .) -}}
{{- if .Values.autoscaling.enabled -}}
{{- $found = append $found "autoscaling.enabled needs PostgreSQL: a SQLite file has one instance" -}}
{{- else if gt (include "thimble.replicas" . | int) 1 -}}
{{- $found = append $found (printf "replicaCount is %s, and a SQLite file has one instance: use PostgreSQL for more" (include "thimble.replicas" .)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- $found = append $found (printf "autoscaling.minReplicas %d is more than maxReplicas %d" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.rollout -}}
{{- if and (eq (int .maxSurge) 0) (eq (int .maxUnavailable) 0) -}}
{{- $found = append $found "rollout.maxSurge and rollout.maxUnavailable are both 0, so no instance could ever be replaced: set one of them to 1" -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{- define "thimble.problemsOfNetwork" -}}
{{- $found := list -}}
{{- if .Values.networkPolicy.enabled -}}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (not .Values.networkPolicy.ingressFrom) -}}
{{- $found = append $found "networkPolicy.ingressFrom is empty, so the controller of ingress or httpRoute could not reach the service: name its namespace, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.networkPolicy.metricsFrom) -}}
{{- $found = append $found "networkPolicy.metricsFrom is empty, so Prometheus could not read the metrics: name its namespace, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $found = append $found "httpRoute.parentRefs is empty: name a Gateway, such as [{name: public, namespace: gateways}]" -}}
{{- end -}}
{{- with .Values.httpRoute.canary -}}
{{- if and (gt (int .weight) 0) (not .service) -}}
{{- $found = append $found (printf "httpRoute.canary.weight is %d, and httpRoute.canary.service names no Service" (int .weight)) -}}
{{- end -}}
{{- end -}}
{{- if eq (int .Values.metrics.port) 5000 -}}
{{- $found = append $found "metrics.port is 5000, which is the port of the API: choose another, such as 9090" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- $found = append $found "ingress.hosts is empty: name the host of the API, such as [api.example.com]" -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{- /* Helm 4 applies on the server, which refuses a name that is there twice, in words that nobody understands. */}}
{{- define "thimble.problemsOfEnv" -}}
{{- $found := list -}}
{{- $seen := dict -}}
{{- range include "thimble.serverEnv" . | fromYamlArray -}}
{{- if hasKey $seen .name -}}
{{- $found = append $found (printf "the variable %s is set twice: take it out of env or extraEnv; values.yaml has a value for what the chart sets itself" .name) -}}
{{- end -}}
{{- $_ := set $seen .name true -}}
{{- end -}}
{{- toJson (uniq $found) -}}
{{- end }}
