-- The two databases of compose.yaml: Prefect's own, and the catalog of the lake.
CREATE DATABASE prefect;
CREATE DATABASE lake;
