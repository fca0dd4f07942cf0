{{/* The names and labels of everything, and the images. */}}

{{- define "brandfarm.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 32 | trimSuffix "-" -}}
{{- else if contains "brandfarm" .Release.Name -}}
{{- .Release.Name | trunc 32 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-brandfarm" (.Release.Name | trunc 22 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* What is chosen by: it never changes over the life of a farm. Takes a list of the context and the part. */}}
{{- define "brandfarm.chosenBy" -}}
app.kubernetes.io/instance: {{ (first .).Release.Name }}
app.kubernetes.io/component: {{ last . }}
app.kubernetes.io/part-of: brandfarm
{{- end -}}

{{/* What a pod is called: its part, and its release, which `brandfarm doctor` compares. Takes a list of the context and the part. */}}
{{- define "brandfarm.podLabels" -}}
{{ include "brandfarm.chosenBy" . }}
app.kubernetes.io/version: {{ (first .).Chart.AppVersion | quote }}
{{- end -}}

{{/* Takes a list of the context and the part. */}}
{{- define "brandfarm.labels" -}}
{{ include "brandfarm.podLabels" . }}
app.kubernetes.io/managed-by: {{ (first .).Release.Service }}
helm.sh/chart: {{ (first .).Chart.Name }}-{{ (first .).Chart.Version }}
{{- end -}}

{{/* By digest where there is one, else by tag. Takes a list of the context and the image's name. */}}
{{- define "brandfarm.image" -}}
{{- $root := first . -}}
{{- $image := index $root.Values.images (last .) -}}
{{- $place := $image.repository -}}
{{- if $root.Values.images.registry -}}
{{- $place = printf "%s/%s" (trimSuffix "/" $root.Values.images.registry) $place -}}
{{- end -}}
{{- if $image.digest -}}
{{ $place }}@{{ $image.digest }}
{{- else -}}
{{ $place }}:{{ $root.Values.images.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "brandfarm.tokenSecret" -}}
{{- .Values.dispatcher.token.existingSecret | default (printf "%s-dispatcher-token" (include "brandfarm.fullname" .)) -}}
{{- end -}}

{{- define "brandfarm.rayTokenSecret" -}}
{{- if .Values.ray.existing.address -}}
{{- .Values.ray.existing.secret.name -}}
{{- else -}}
{{- .Values.ray.existingTokenSecret | default (printf "%s-ray-token" (include "brandfarm.fullname" .)) -}}
{{- end -}}
{{- end -}}

{{- define "brandfarm.rayTokenKey" -}}
{{- if .Values.ray.existing.address -}}{{ .Values.ray.existing.secret.key }}{{- else -}}auth_token{{- end -}}
{{- end -}}

{{- define "brandfarm.dispatcherUrl" -}}
http://{{ include "brandfarm.fullname" . }}-dispatcher.{{ .Release.Namespace }}.svc:8265
{{- end -}}

{{- define "brandfarm.storeEndpoint" -}}
{{- if .Values.store.devMinio.enabled -}}
http://{{ include "brandfarm.fullname" . }}-minio.{{ .Release.Namespace }}.svc:9000
{{- else -}}
{{- .Values.store.existing.endpoint | trimSuffix "/" -}}
{{- end -}}
{{- end -}}

{{/* The address as BRANDFARM_STORE takes it: without credentials. */}}
{{- define "brandfarm.storeAddress" -}}
{{ include "brandfarm.storeEndpoint" . }}/{{ .Values.store.bucket }}
{{- with .Values.store.existing.region }}?region={{ . }}{{ end -}}
{{- end -}}

{{- define "brandfarm.storeSecret" -}}
{{- if .Values.store.devMinio.enabled -}}{{ include "brandfarm.fullname" . }}-minio{{- else -}}{{ .Values.store.existing.secret.name }}{{- end -}}
{{- end -}}

{{- define "brandfarm.storeAccessKey" -}}
{{- if .Values.store.devMinio.enabled -}}access-key{{- else -}}{{ .Values.store.existing.secret.accessKey }}{{- end -}}
{{- end -}}

{{- define "brandfarm.storeSecretKey" -}}
{{- if .Values.store.devMinio.enabled -}}secret-key{{- else -}}{{ .Values.store.existing.secret.secretKey }}{{- end -}}
{{- end -}}

{{/* The value that a kept Secret has already, so that an upgrade changes nothing; a new one otherwise. Takes a list of the context, name, key and length. */}}
{{- define "brandfarm.kept" -}}
{{- $root := index . 0 -}}
{{- $found := lookup "v1" "Secret" $root.Release.Namespace (index . 1) -}}
{{- if and $found (hasKey ($found.data | default dict) (index . 2)) -}}
{{- index $found.data (index . 2) -}}
{{- else -}}
{{- randAlphaNum (int (index . 3)) | b64enc -}}
{{- end -}}
{{- end -}}
