{{- define "sloengine.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "sloengine.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "sloengine.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "sloengine.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "sloengine.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "sloengine.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "sloengine.environment" -}}
- name: SLOENGINE_ENV
  value: {{ .Values.environment | quote }}
- name: SLOENGINE_NEO4J_URL
  value: {{ .Values.neo4j.url | quote }}
- name: SLOENGINE_NEO4J_USER
  value: {{ .Values.neo4j.user | quote }}
- name: SLOENGINE_NEO4J_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ .Values.existingSecret | quote }}, key: neo4j-password}
{{- if .Values.redis.urlFromSecret }}
- name: SLOENGINE_REDIS_URL
  valueFrom:
    secretKeyRef: {name: {{ .Values.existingSecret | quote }}, key: redis-url}
{{- else }}
- name: SLOENGINE_REDIS_URL
  value: {{ .Values.redis.url | quote }}
{{- end }}
{{- with .Values.prometheus.url }}
- name: SLOENGINE_PROMETHEUS_URL
  value: {{ . | quote }}
{{- end }}
- name: SLOENGINE_PROMETHEUS_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ .Values.existingSecret | quote }}, key: prometheus-token, optional: true}
{{- if .Values.kubernetes.discovery }}
- name: SLOENGINE_KUBERNETES_URL
  value: in-cluster
{{- with .Values.kubernetes.namespaces }}
- name: SLOENGINE_KUBERNETES_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- with .Values.backstage.url }}
- name: SLOENGINE_BACKSTAGE_URL
  value: {{ . | quote }}
- name: SLOENGINE_BACKSTAGE_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ $.Values.existingSecret | quote }}, key: backstage-token, optional: true}
{{- end }}
{{- if eq .Values.environment "development" }}
- name: SLOENGINE_DEV_API_KEY
  valueFrom:
    secretKeyRef: {name: {{ .Values.existingSecret | quote }}, key: dev-api-key, optional: true}
{{- end }}
{{- end -}}

{{/* The API answers dry runs and the worker reads on a schedule; nobody else gets a token. */}}
{{- define "sloengine.account" -}}
{{- if .Values.kubernetes.discovery }}
serviceAccountName: {{ include "sloengine.name" . }}-discovery
automountServiceAccountToken: true
{{- else }}
automountServiceAccountToken: false
{{- end }}
{{- end -}}

{{- define "sloengine.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
